"""Writes which proxy httpx, which huggingface_hub uses, takes for an address under an environment: the golden file of HubProxyTest.

    python proxies.py > src/test/resources/golden/proxies.json
"""

import json
import os

import httpx

HTTP, HTTPS = "http://hub.example/x", "https://huggingface.co/api"
HOSTS = [
    HTTPS, HTTP, "https://cdn-lfs.huggingface.co/a", "https://nothuggingface.co/", "https://hub.corp:8443/m", "http://localhost:8080/",
    "http://a.localhost/", "http://127.0.0.1:9/", "http://10.1.2.3/", "http://[::1]:80/x", "https://HUB.Example/",
]
P, Q, R = "http://proxy.corp:3128", "http://other.corp:8080", "http://all.corp:1"
ENVIRONMENTS = [
    {},
    {"HTTPS_PROXY": P},
    {"HTTP_PROXY": P},
    {"ALL_PROXY": R},
    {"https_proxy": P, "HTTPS_PROXY": Q},
    {"https_proxy": "", "HTTPS_PROXY": Q},
    {"HTTPS_PROXY": P, "HTTP_PROXY": Q, "ALL_PROXY": R},
    {"HTTPS_PROXY": P, "ALL_PROXY": R},
    {"all_proxy": R, "ALL_PROXY": Q},
    {"HTTPS_PROXY": ""},
    {"HTTPS_PROXY": "proxy.corp:3128"},
    {"HTTPS_PROXY": "proxy.corp"},
    {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"},
    {"http_proxy": P, "REQUEST_METHOD": "GET"},
    {"Https_Proxy": P},
    {"HTTPS_PROXY": P, "NO_PROXY": "*"},
    {"HTTPS_PROXY": P, "NO_PROXY": "huggingface.co, *"},
    {"HTTPS_PROXY": P, "NO_PROXY": "huggingface.co"},
    {"HTTPS_PROXY": P, "NO_PROXY": ".huggingface.co"},
    {"HTTPS_PROXY": P, "NO_PROXY": "*.huggingface.co"},
    {"HTTPS_PROXY": P, "NO_PROXY": "HuggingFace.CO"},
    {"HTTPS_PROXY": P, "NO_PROXY": "face.co"},
    {"HTTPS_PROXY": P, "NO_PROXY": "co"},
    {"HTTPS_PROXY": P, "NO_PROXY": " a.b ,, huggingface.co ,"},
    {"HTTPS_PROXY": P, "NO_PROXY": "a.b huggingface.co"},
    {"HTTPS_PROXY": P, "no_proxy": "hub.corp", "NO_PROXY": "huggingface.co"},
    {"HTTPS_PROXY": P, "no_proxy": "", "NO_PROXY": "huggingface.co"},
    {"HTTPS_PROXY": P, "NO_PROXY": "hub.corp:8443"},
    {"HTTPS_PROXY": P, "NO_PROXY": "hub.corp:9"},
    {"HTTP_PROXY": P, "HTTPS_PROXY": Q, "NO_PROXY": "https://huggingface.co"},
    {"HTTP_PROXY": P, "HTTPS_PROXY": Q, "NO_PROXY": "http://huggingface.co,http://hub.example"},
    {"ALL_PROXY": R, "NO_PROXY": "localhost"},
    {"ALL_PROXY": R, "NO_PROXY": "LOCALHOST,127.0.0.1"},
    {"ALL_PROXY": R, "NO_PROXY": "127.0.0.0/8,10.1.2.3"},
    {"ALL_PROXY": R, "NO_PROXY": "127.0.0.1:9"},
    {"ALL_PROXY": R, "NO_PROXY": "10.1.2.3/32"},
    {"ALL_PROXY": R, "NO_PROXY": "::1"},
    {"ALL_PROXY": R, "NO_PROXY": "[::1]"},
    {"ALL_PROXY": R, "NO_PROXY": "hub.example,.corp"},
    {"HTTPS_PROXY": "http://user:p%40ss@proxy.corp:3128"},
]


def proxy(environment, address):
    for name in [n for n in os.environ if n.lower().endswith("_proxy") or n == "REQUEST_METHOD"]:
        del os.environ[name]
    os.environ.update(environment)
    with httpx.Client() as client:
        transport = client._transport_for_url(httpx.URL(address))
        if transport is client._transport:
            return None
        url = transport._pool._proxy_url
        port = url.port or {b"http": 80, b"https": 443}[url.scheme]
        return f"{url.scheme.decode()}://{url.host.decode()}:{port}"


cases = []
for environment in ENVIRONMENTS:
    try:
        cases.append({"environment": environment, "proxies": {a: proxy(environment, a) for a in HOSTS}})
    except Exception as e:
        import sys
        print("httpx refuses", environment, repr(e), file=sys.stderr)
print(json.dumps({"httpx": httpx.__version__, "cases": cases}, indent=1))
