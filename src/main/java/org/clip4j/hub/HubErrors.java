package org.clip4j.hub;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.clip4j.io.Nearest;

/** What the hub's refusals mean, by status and {@code X-Error-Code}, and what to do about them. */
final class HubErrors {
  private HubErrors() {}

  /**
   * Lets through an answer that has what was asked for, or a redirect.
   *
   * @param file that was asked for; null for a listing
   */
  static void check(HubClient.Reply reply, HubId id, String file, HubSettings settings)
      throws IOException {
    int status = reply.status();
    if (status == 200 || status == 206 || reply.isRedirect()) {
      return;
    }
    String asked = HubClient.show(reply.uri()) + " answers " + status + said(reply);
    String code = reply.header("X-Error-Code");
    String page = settings.endpoint() + "/" + id.repo();
    if (status == 429 || status == 408 || status >= 500) {
      String after = reply.header("Retry-After");
      Duration wait = after == null ? null : Retries.retryAfter(after.strip(), Instant.now());
      throw new TransientFailure(asked, wait);
    }
    if (!HubClient.origin(reply.uri()).equals(HubClient.origin(settings.endpoint()))) {
      throw new HubException(
          asked
              + ", where the hub redirects to for "
              + (file == null ? id : file + " of " + id)
              + "; try again later, or check the proxy or mirror on the way");
    }
    if ("GatedRepo".equals(code)) {
      throw HubException.unavailable(
          id
              + " is gated: its authors ask you to accept their conditions first. Accept them at "
              + page
              + ", then set HF_TOKEN to a token of that account. "
              + sent(settings),
          null);
    }
    if ("RevisionNotFound".equals(code)) {
      throw new HubException(
          id.repo()
              + " has no revision "
              + RepoPaths.quote(id.revision())
              + "; its branches and tags are listed at "
              + page
              + "/tree/"
              + HubId.DEFAULT_REVISION);
    }
    if (file != null && ("EntryNotFound".equals(code) || status == 404 && code == null)) {
      throw new HubException(
          id
              + " has no file "
              + RepoPaths.quote(file)
              + ", although the hub's listing names it ("
              + asked
              + ")");
    }
    if ("RepoNotFound".equals(code) || status == 404) {
      String question = Nearest.question(Hub.nearest(settings, id.repo()));
      throw HubException.unavailable(
          id.repo()
              + " is not on "
              + settings.endpoint()
              + ", or is private: check the name"
              + (question.isEmpty() ? "; for" : question + " For")
              + " a private model set HF_TOKEN to a token that may read it. "
              + sent(settings),
          null);
    }
    if (status == 401 || status == 403) {
      throw HubException.unavailable(
          asked
              + ": "
              + id.repo()
              + (status == 401
                  ? " does not exist, or is private or gated, or the token is not valid."
                  : " may not be read with this token.")
              + " Check the name; if it is gated, accept its conditions at "
              + page
              + "; set HF_TOKEN to a token that may read it. "
              + sent(settings),
          null);
    }
    throw HubException.unavailable(
        asked + "; is HF_ENDPOINT (" + settings.endpoint() + ") a Hugging Face hub?", null);
  }

  private static String sent(HubSettings settings) {
    return settings.token() == null
        ? "No token was sent."
        : "The request carried " + settings.token() + ".";
  }

  /** What the server gives as a reason, which is only shown. */
  private static String said(HubClient.Reply reply) {
    String message = reply.header("X-Error-Message");
    return message == null ? "" : " (" + RepoPaths.quote(message) + ")";
  }
}
