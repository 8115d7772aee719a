#!/usr/bin/env python3
"""Makes small tokenizers in the published formats, and what the Python libraries make of texts with them.

    python make_tokenizers.py --texts texts.txt --captions captions.tsv --output src/test/resources/tokenizers

Each folder holds a tokenizer.json with its tokenizer_config.json, and expected.jsonl: the first line lists cases (a
peer, its settings, the keys of tokenizer_config.json that differ, texts that are known to differ), each further line a text and the ids by case,
padding included but for the trailing run of it. The pipelines are those of the published files:

    siglip   Unigram, T5's pipeline, `</s>` after the text (timm/ViT-B-16-SigLIP)
    gemma    BPE with byte fallback, `<eos>` after the text (SigLIP2)
    xlmr     Unigram, `<s> </s>` around the text (xlm-roberta-base, xlm-v-base)
    bert     WordPiece, `[CLS] [SEP]` around the text (bert-base-uncased, for CLIPA)
    roberta  byte-level BPE, `<s> </s>` around the text (roberta-base)

The vocabularies are trained here, on the texts below and on the two files; the same inputs give the same tokenizers
(but for bert's, in whose training ties are broken at random).
Needs open_clip_torch, transformers, tokenizers, and for Unigram's training and transformers' SiglipTokenizer also
sentencepiece and protobuf. Made with open_clip 3.3.0, transformers 5.18.0, tokenizers 0.23.2, sentencepiece 0.2.2.
"""
import argparse
import base64
import csv
import json
import os
import pathlib
import shutil
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import sentencepiece
from open_clip.tokenizer import HFTokenizer
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram, WordPiece
from transformers import AutoTokenizer, BertTokenizer, GemmaTokenizer, RobertaTokenizer, T5Tokenizer
from transformers import XLMRobertaTokenizer
from transformers.models.siglip.tokenization_siglip import SiglipTokenizer
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

CLASSES = {c.__name__: c for c in (
    BertTokenizer, GemmaTokenizer, RobertaTokenizer, T5Tokenizer, XLMRobertaTokenizer, SiglipTokenizer,
    Siglip2Tokenizer)}

# A few rules of nmt_nfkc, so that the map stays small: full-width forms, ligatures, white space, zero-width signs.
RULES = {
    "\u00a0": " ", "\u3000": " ", "\u2009": " ", "\t": " ", "\n": " ", "\r": " ", "\u200b": " ", "\u00ad": "",
    "\ufb01": "fi", "\ufb02": "fl", "\u2122": "TM", "\u00bd": "1\u20442", "\u00b2": "2", "\u2116": "No",
    "\u2026": "...", "e\u0301": "\u00e9", "\u1100\u1161": "\uac00", "\u212b": "\u00c5",
    **{chr(0xFF01 + i): chr(0x21 + i) for i in range(94)},
}

LANGUAGES = [
    "a photo of a dog", "ein Foto von einem Hund", "une photo d'un chien", "una foto de un perro", "фото собаки",
    "μια φωτογραφία ενός σκύλου ΣΟΦΟΣ", "צילום של כלב", "صورة كلب", "एक कुत्ते की तस्वीर", "รูปภาพของสุนัข",
    "一只狗的照片", "犬の写真、猫の写真", "개 사진", "foto con chó bức ảnh", "Straße ÅNGSTRÖM İstanbul ŁÓDŹ naïve",
]

TRICKY = [
    "", " ", "   \t\n ", ".", "!!!", "_", "a_b-c/d\\e", "hello_world", "it's they're I'd CAN'T", "3.14159 2023-10-05 100%",
    "  leading and   multiple	whitespace  ", "&lt;b&gt;HTML &amp; entities&lt;/b&gt;", "schÃ¶n â€œquotedâ€\x9d",
    "\u201ccurly\u201d \u2018quotes\u2019", "ﬁne ﬂow ½ ² № ™ …", "ｆｕｌｌｗｉｄｔｈ！", "e\u0301te\u0301 A\u030angstro\u0308m",
    "\u1100\u1161 \uac00", "no\u00a0break\u3000wide\u2009thin", "- dog", "_dog", " dog", "...dog", "- ", "zero\u200bwidth\u200djoin soft\u00adhyphen",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ♥️", "😀😃😄", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𠮷野家", "\u0001\u0007control\u007f", "nul\u0000l", "a\nb\r\nc",
    "▁already▁there", "▁", " ▁ ", "a▁ b", "##ing play ##", "Ġbyte Ġlevel", "[unused1] [X]", "<0x41> <0xFF>",
    "x" * 120, "ab" * 300, "a " * 400, "\U0001f600" * 200, "the quick brown fox " * 150, "犬" * 300, " " * 300 + "late",
    "https://example.com/?q=clip&x=1#frag @user #tag", "Ελληνικά ΟΔΟΣ Σ ΑΣ", "ǅ ß ẞ ŉ", "مرحبا\u200fبالعالم",
    "\ud7ff\ue000\ufffd\uffff", "a\u0300\u0301\u0302\u0303\u0304", "नमस्ते", "กำ", "ﷺ",
]

# Special tokens as somebody may type them.
TYPED = [
    "{t}", "a {t} b", "a{t}b", " {t}", "{t} ", "{t}{t}", "  {t}  ", "dog {t} {t} cat", "{u}", "{l}", "a {t}, b",
    "&lt;{i}&gt;", "x_{t}_y", "ünï {t}çode",
]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--texts", type=pathlib.Path, required=True, help="a text a line")
    p.add_argument("--captions", type=pathlib.Path, required=True, help="table with a column cldr_name")
    p.add_argument("--output", type=pathlib.Path, required=True)
    return p.parse_args()


def unigram(corpus, size, control):
    """Trains with sentencepiece; returns pieces with scores, the character map, and the model's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder, "rules.tsv")
        code = lambda text: " ".join(f"{ord(c):X}" for c in text)
        rules.write_text("".join(f"{code(a)}\t{code(b)}\n" for a, b in RULES.items()))
        prefix = str(pathlib.Path(folder, "spiece"))
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus), model_prefix=prefix, vocab_size=size, model_type="unigram",
            character_coverage=0.995, normalization_rule_tsv=str(rules), num_threads=1, minloglevel=2,
            hard_vocab_limit=False, shuffle_input_sentence=False, **control)
        data = pathlib.Path(prefix + ".model").read_bytes()
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(data)
    pieces = [(p.piece, round(p.score, 5)) for p in proto.pieces]
    return pieces, proto.normalizer_spec.precompiled_charsmap, data


def special(*tokens, **flags):
    return [AddedToken(t, special=True, normalized=False, **flags) for t in tokens]


def siglip(corpus):
    pieces, charsmap, model = unigram(
        corpus, 1500, dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>"))
    t = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=False))
    t.normalizer = normalizers.Sequence([
        normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "▁")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.add_special_tokens(special("<pad>", "</s>", "<unk>"))
    config = dict(tokenizer_class="T5Tokenizer", eos_token="</s>", pad_token="</s>", unk_token="<unk>", extra_ids=0,
                  additional_special_tokens=[], model_max_length=64, legacy=False)
    slow = dict(tokenizer_class="SiglipTokenizer", do_lower_case=True)
    cases = [
        dict(peer="openclip", text_cfg=dict(context_length=64, vocab_size=4000, hf_tokenizer_name="x",
                                            tokenizer_kwargs=dict(clean="canonicalize"))),
        dict(peer="openclip", text_cfg=dict(context_length=16, hf_tokenizer_name="x",
                                            tokenizer_kwargs=dict(clean="lower"))),
        # Version 5 of transformers makes T5's pipeline anew and splits at white space, not only at U+2581.
        dict(peer="transformers", context_length=64, config={}, differ=[" ▁ "]),
        dict(peer="transformers", context_length=64, config=dict(tokenizer_class="PreTrainedTokenizerFast")),
        # That class meets unknown characters after a typed special token with an unknown token before them.
        dict(peer="transformers", context_length=64, config=slow,
             differ=[f"ünï {t}çode" for t in ("</s>", "<unk>", "<pad>")]),
    ]
    return t, config, cases, ["</s>", "<unk>", "<pad>"], {"spiece.model": model}


def gemma(corpus):
    t = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokens = names + [f"<0x{b:02X}>" for b in range(256)] + ["<start_of_turn>", "\n\n", "▁▁", "<b>"]
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=1800, special_tokens=tokens, limit_alphabet=250, max_token_length=12, show_progress=False))
    data = json.loads(t.to_str())
    t = Tokenizer(BPE(
        vocab=data["model"]["vocab"], merges=[tuple(m) for m in data["model"]["merges"]], unk_token="<unk>",
        fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)])
    t.add_special_tokens(special(*names, "<start_of_turn>"))
    t.add_tokens([AddedToken("<b>", normalized=False), AddedToken("\n\n", normalized=False)])
    config = dict(tokenizer_class="GemmaTokenizer", pad_token="<pad>", eos_token="<eos>", bos_token="<bos>",
                  unk_token="<unk>", mask_token="<mask>", padding_side="right", add_bos_token=False,
                  add_eos_token=True, model_max_length=64)
    cases = [
        dict(peer="openclip", text_cfg=dict(context_length=64, vocab_size=256000, hf_tokenizer_name="x",
                                            tokenizer_kwargs=dict(clean="canonicalize"))),
        dict(peer="transformers", context_length=64, config={}),
        dict(peer="transformers", context_length=64, config=dict(tokenizer_class="Siglip2Tokenizer")),
        dict(peer="transformers", context_length=20, config=dict(add_bos_token=True, add_eos_token=False)),
    ]
    return t, config, cases, ["<eos>", "<bos>", "<b>"], {}


def xlmr(corpus):
    pieces, charsmap, _ = unigram(corpus, 1500, dict(unk_id=0, bos_id=1, eos_id=2))
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + pieces[3:] + [("<mask>", 0.0)]
    t = Tokenizer(Unigram(pieces, unk_id=3, byte_fallback=False))
    t.normalizer = normalizers.Sequence([
        normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")])
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    t.add_special_tokens(special("<s>", "<pad>", "</s>", "<unk>") + special("<mask>", lstrip=True))
    config = dict(tokenizer_class="XLMRobertaTokenizer", bos_token="<s>", eos_token="</s>", sep_token="</s>",
                  cls_token="<s>", unk_token="<unk>", pad_token="<pad>", mask_token=dict(
                      __type="AddedToken", content="<mask>", lstrip=True, rstrip=False, normalized=False,
                      single_word=False), model_max_length=512)
    cases = [
        dict(peer="openclip", text_cfg=dict(context_length=77, hf_tokenizer_name="x")),
        dict(peer="transformers", context_length=24, config={}),
        dict(peer="transformers", context_length=24, config=dict(truncation_side="left")),
        dict(peer="transformers", context_length=24, config=dict(tokenizer_class="PreTrainedTokenizerFast")),
    ]
    return t, config, cases, ["</s>", "<s>", "<mask>"], {}


def bert(corpus):
    t = Tokenizer(WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(corpus, trainers.WordPieceTrainer(
        vocab_size=1800, special_tokens=names, limit_alphabet=300, show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    t.decoder = decoders.WordPiece(prefix="##")
    config = dict(tokenizer_class="BertTokenizer", do_lower_case=True, unk_token="[UNK]", sep_token="[SEP]",
                  pad_token="[PAD]", cls_token="[CLS]", mask_token="[MASK]", model_max_length=512)
    cases = [
        dict(peer="openclip", text_cfg=dict(context_length=32, vocab_size=32000, hf_tokenizer_name="x",
                                            tokenizer_kwargs=dict(strip_sep_token=True))),
        dict(peer="openclip", config=dict(bos_token="[MASK]", eos_token="[UNK]"),
             text_cfg=dict(context_length=20, hf_tokenizer_name="x", tokenizer_mode="clips")),
        dict(peer="transformers", context_length=32, config={}),
    ]
    return t, config, cases, ["[SEP]", "[CLS]", "[PAD]"], {}


def roberta(corpus):
    t = Tokenizer(BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=1500, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], max_token_length=12, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    data = json.loads(t.to_str())["model"]
    t = Tokenizer(BPE(
        vocab={**data["vocab"], "<mask>": len(data["vocab"])}, merges=[tuple(m) for m in data["merges"]],
        continuing_subword_prefix="", end_of_word_suffix=""))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    t.add_special_tokens(
        [AddedToken(n, special=True, normalized=True) for n in ("<s>", "<pad>", "</s>", "<unk>")]
        + special("<mask>", lstrip=True))
    config = dict(tokenizer_class="RobertaTokenizer", bos_token="<s>", eos_token="</s>", sep_token="</s>",
                  cls_token="<s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>", add_prefix_space=False,
                  model_max_length=512)
    cases = [
        dict(peer="openclip", text_cfg=dict(context_length=77, hf_tokenizer_name="x")),
        dict(peer="transformers", context_length=16, config={}),
    ]
    return t, config, cases, ["</s>", "<s>", "<mask>"], {}


def texts(samples, typed):
    out = samples[::13] + LANGUAGES + TRICKY
    for token in typed:
        out += [form.format(t=token, u=token.upper(), l=token.lower(), i=token.strip("<>")) for form in TYPED]
    return list(dict.fromkeys(out))


def peer(case, folder, config):
    """A function from a text to its padded ids, and the id of padding."""
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, **case.get("config", {})}))
    if case["peer"] == "openclip":
        cfg = case["text_cfg"]
        t = HFTokenizer(str(folder), context_length=cfg["context_length"], tokenizer_mode=cfg.get("tokenizer_mode"),
                        **cfg.get("tokenizer_kwargs", {}))
        return lambda text: t([text])[0].tolist(), t.tokenizer.pad_token_id
    name = case["config"].get("tokenizer_class", config["tokenizer_class"])
    t = CLASSES.get(name, AutoTokenizer).from_pretrained(str(folder))
    return lambda text: t(text, padding="max_length", truncation=True,
                          max_length=case["context_length"])["input_ids"], t.pad_token_id


def stripped(ids, pad):
    while ids and ids[-1] == pad:
        ids.pop()
    return ids


def main():
    args = arguments()
    samples = args.texts.read_text(encoding="utf-8").splitlines()
    with args.captions.open(encoding="utf-8", newline="") as f:
        corpus = samples + [row["cldr_name"] for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)]
    corpus = [text for text in corpus if text.strip()] + LANGUAGES * 20
    for make in (siglip, gemma, xlmr, bert, roberta):
        tokenizer, config, cases, typed, extra = make(corpus)
        folder = args.output / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(
            json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
        lines = texts(samples, typed)
        answers = []
        for case in cases:
            with tempfile.TemporaryDirectory() as scratch:
                copy = pathlib.Path(scratch)
                shutil.copy(folder / "tokenizer.json", copy)
                for name, data in extra.items():
                    (copy / name).write_bytes(data)
                encode, pad = peer(case, copy, config)
                case["pad"] = pad
                answers.append([stripped(encode(text), pad) for text in lines])
        with (folder / "expected.jsonl").open("w", encoding="utf-8") as f:
            f.write(json.dumps({"cases": cases}) + "\n")
            for text, *ids in zip(lines, *answers):
                f.write(json.dumps({"text": text, "ids": ids}, separators=(",", ":")) + "\n")
        size = sum(p.stat().st_size for p in folder.iterdir())
        print(f"{make.__name__}: {tokenizer.get_vocab_size()} tokens, {len(lines)} texts, {size} bytes")


if __name__ == "__main__":
    main()
