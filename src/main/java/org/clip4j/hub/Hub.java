package org.clip4j.hub;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Nearest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches models of a Hugging Face hub, by name.
 *
 * <pre>{@code
 * HubModel model = Hub.fromEnvironment().fetch(HubId.parse("openai/clip-vit-base-patch32"), DownloadListener.SILENT);
 * Checkpoint checkpoint = Checkpoint.open(model.weights());
 * }</pre>
 *
 * <p>What is fetched stays in the cache of {@code huggingface_hub}, where Python finds it, as this
 * finds what Python has fetched. The environment says where that is and more, by the same
 * variables:
 *
 * <ul>
 *   <li>{@code HF_HUB_CACHE}, else {@code $HF_HOME/hub}, else {@code ~/.cache/huggingface/hub}: the
 *       cache ({@code HUGGINGFACE_HUB_CACHE} and {@code XDG_CACHE_HOME} as in Python);
 *   <li>{@code HF_ENDPOINT}: another hub than https://huggingface.co;
 *   <li>{@code HF_TOKEN} ({@code HUGGING_FACE_HUB_TOKEN}), or a file {@code HF_TOKEN_PATH}, else
 *       {@code $HF_HOME/token}: the access token, which only the endpoint's own host gets to see;
 *   <li>{@code HF_HUB_OFFLINE} ({@code TRANSFORMERS_OFFLINE}), {@code DJL_OFFLINE} or the system
 *       property {@code ai.djl.offline}: nothing but the cache is used;
 *   <li>{@code HF_HUB_ETAG_TIMEOUT}, {@code HF_HUB_DOWNLOAD_TIMEOUT}: seconds that a file's
 *       description, and each next piece of all else, may take; 10 by default. A server that sends
 *       less than 1 KiB a second for three times as long is given up too;
 *   <li>{@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY}, or in
 *       lower case, which goes before: proxies, as in Python;
 *   <li>{@code HF_HUB_DISABLE_SYMLINKS}: files instead of links; {@code
 *       HF_HUB_DISABLE_IMPLICIT_TOKEN}: no token is sent.
 * </ul>
 *
 * <p>Holds nothing that needs closing; any number of threads may share one, and processes a cache.
 */
public final class Hub {
  private static final Logger logger = LoggerFactory.getLogger(Hub.class);

  /** Names that a message lists at most. */
  private static final int LISTED = 20;

  /** Bytes after which a listener is told again. */
  private static final long REPORT_BYTES = 256 << 10;

  private static final List<String> USED =
      List.of(
          "openai/clip-vit-base-patch32",
          "openai/clip-vit-base-patch16",
          "openai/clip-vit-large-patch14",
          "openai/clip-vit-large-patch14-336",
          "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
          "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
          "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
          "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
          "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
          "google/siglip-base-patch16-224",
          "google/siglip-so400m-patch14-384");

  private final HubSettings settings;
  private final HubClient client;

  Hub(HubSettings settings, Proxies proxies, Retries.Waiting waiting) {
    this.settings = settings;
    client = new HubClient(settings, proxies, waiting);
  }

  /**
   * Returns the hub that this process's environment describes.
   *
   * @throws IllegalArgumentException if a variable makes no sense; the message names it
   */
  public static Hub fromEnvironment() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    String offline = System.getProperty("ai.djl.offline");
    if (offline != null) {
      environment.putIfAbsent("DJL_OFFLINE", offline);
    }
    return of(environment);
  }

  /**
   * Returns the hub that an environment describes, instead of that of this process.
   *
   * @throws IllegalArgumentException if a variable makes no sense; the message names it
   */
  public static Hub of(Map<String, String> environment) {
    return new Hub(
        HubSettings.of(environment),
        Proxies.of(environment),
        duration -> Thread.sleep(duration.toMillis()));
  }

  /**
   * Finds a model in the cache or downloads what is missing of it.
   *
   * <p>The hub is asked what the revision means and holds. It is not asked when the environment
   * forbids the network, nor for a commit that is known to be in the cache completely; when it does
   * not answer or refuses, what is in the cache for this revision is used if it is complete.
   *
   * <p>Interrupting the thread ends a download; it fails then, with the interrupt flag set.
   *
   * @throws HubException if the model cannot be had; the message says why and what to do
   * @throws IOException if the cache cannot be read or written
   */
  public HubModel fetch(HubId id, DownloadListener listener) throws IOException {
    return fetch(id, false, listener);
  }

  /**
   * Fetches as {@link #fetch} does, but also takes OpenCLIP's weights from a repository without a
   * configuration, for a caller who knows their architecture.
   */
  public HubModel fetchForArchitecture(HubId id, DownloadListener listener) throws IOException {
    return fetch(id, true, listener);
  }

  private HubModel fetch(HubId id, boolean bare, DownloadListener listener) throws IOException {
    try {
      return find(id, bare, listener);
    } catch (InterruptedException | ClosedByInterruptException | FileLockInterruptionException e) {
      Thread.currentThread().interrupt();
      throw new HubException(
          "fetching "
              + id
              + " was interrupted; what was received is kept, and the next call goes on from there",
          e);
    } catch (IOException e) {
      throw IoErrors.worded(e);
    }
  }

  /**
   * Finds names of models that one may have meant: of those in the cache, and of some that are
   * often used. Asks nobody.
   *
   * @param name with or without the organisation
   * @return at most 3, the nearest first
   */
  public List<String> nearest(String name) {
    return nearest(settings, name);
  }

  static List<String> nearest(HubSettings settings, String name) {
    Set<String> known = new TreeSet<>(ModelCache.repos(settings.cache()));
    known.addAll(USED);
    known.remove(name);
    if (name.indexOf('/') >= 0) {
      return Nearest.of(name, known);
    }
    Map<String, String> whole = new HashMap<>();
    known.forEach(repo -> whole.put(repo.substring(repo.indexOf('/') + 1), repo));
    return Nearest.of(name, new TreeSet<>(whole.keySet())).stream().map(whole::get).toList();
  }

  private HubModel find(HubId id, boolean bare, DownloadListener listener)
      throws IOException, InterruptedException {
    ModelCache cache = new ModelCache(settings, id);
    if (settings.offline() != null) {
      return cached(cache, id, bare).orElseThrow(() -> new HubException(missing(cache, id, bare)));
    }
    Optional<HubModel> cached;
    try {
      cached = cached(cache, id, bare);
      if (cached.isPresent() && id.isCommit() && isSettled(cache, id.revision(), bare)) {
        return cached.get();
      }
    } catch (HubException e) {
      logger.warn("Asking the hub for {}, as its cache is damaged: {}", id, IoErrors.message(e));
      cached = Optional.empty();
    }
    RepoListing listing;
    try {
      listing = client.list(id, cached.isEmpty());
    } catch (HubException e) {
      if (!e.isUnavailable() || cached.isEmpty()) {
        throw e;
      }
      logger.warn(
          "Using {} as it is in the cache, for the hub cannot say: {}", id, IoErrors.message(e));
      return cached.get();
    }
    return download(cache, id, listing, bare, listener);
  }

  /** The best model that the cache has for a revision; empty if it has none completely. */
  private static Optional<HubModel> cached(ModelCache cache, HubId id, boolean bare)
      throws IOException {
    Optional<String> commit = cache.commit();
    if (commit.isEmpty()) {
      return Optional.empty();
    }
    Set<String> present = cache.present(commit.get());
    for (FileSelection selection : FileSelection.all(present, bare)) {
      if (present.containsAll(shards(cache, commit.get(), selection))) {
        return Optional.of(model(cache, id, commit.get(), selection));
      }
    }
    return Optional.empty();
  }

  /** Whether no file that is not in the cache could change what is chosen for a commit. */
  private static boolean isSettled(ModelCache cache, String commit, boolean bare)
      throws IOException {
    Set<String> present = cache.present(commit);
    Set<String> possible = new TreeSet<>(FileSelection.KNOWN_NAMES);
    possible.removeAll(cache.absent(commit));
    possible.addAll(present);
    FileSelection best = FileSelection.all(possible, bare).get(0);
    return best.equals(FileSelection.all(present, bare).get(0))
        && present.containsAll(shards(cache, commit, best));
  }

  private static List<String> shards(ModelCache cache, String commit, FileSelection selection)
      throws IOException {
    return selection.isSharded()
        ? WeightsIndex.shards(
            cache.snapshot(commit).resolve(selection.weights()), selection.shardSuffix())
        : List.of();
  }

  private static HubModel model(
      ModelCache cache, HubId id, String commit, FileSelection selection) {
    Path folder = cache.snapshot(commit);
    return new HubModel(id.repo(), commit, folder, folder.resolve(selection.weights()));
  }

  /** Why a model cannot be had without the network. */
  private String missing(ModelCache cache, HubId id, boolean bare) {
    String lack;
    try {
      Optional<String> commit = cache.commit();
      Set<String> present = commit.isEmpty() ? Set.of() : cache.present(commit.get());
      if (present.isEmpty()) {
        lack = "nothing of it is there";
      } else {
        Set<String> lacking = new TreeSet<>();
        for (FileSelection selection : FileSelection.all(present, bare)) {
          lacking.addAll(shards(cache, commit.get(), selection));
        }
        lacking.removeAll(present);
        lack =
            cache.snapshot(commit.get())
                + " lacks "
                + (lacking.isEmpty() ? FileSelection.lack(present) : list(lacking))
                + "; it holds "
                + list(present);
      }
    } catch (IOException e) {
      lack = IoErrors.message(e);
    }
    return id
        + " is not in the cache "
        + settings.cache()
        + " ("
        + lack
        + "), and "
        + settings.offline()
        + " forbids the network. Fetch it once without "
        + settings.offline()
        + ", or copy "
        + id.folderName()
        + " there from a machine that has it"
        + Nearest.question(nearest(id.repo()));
  }

  private static String list(Set<String> names) {
    String listed = names.stream().limit(LISTED).collect(Collectors.joining(", "));
    return names.size() > LISTED ? listed + " and " + (names.size() - LISTED) + " more" : listed;
  }

  private HubModel download(
      ModelCache cache, HubId id, RepoListing listing, boolean bare, DownloadListener listener)
      throws IOException, InterruptedException {
    String commit = listing.commit();
    Set<String> names = listing.files().keySet();
    List<FileSelection> selections = FileSelection.all(names, bare);
    if (selections.isEmpty()) {
      throw new HubException(
          id
              + " is not a CLIP model that can be read: it lacks "
              + FileSelection.lack(names)
              + (names.isEmpty() ? "; it is empty" : "; it holds " + list(new TreeSet<>(names)))
              + (FileSelection.all(names, true).isEmpty()
                  ? ""
                  : "; its weights can be loaded for an architecture that you name"));
    }
    FileSelection selection = selections.get(0);
    Set<String> present = cache.present(commit);
    List<String> wanted = new ArrayList<>(selection.files());
    for (int done = 0; done < wanted.size(); done++) {
      String name = wanted.get(done);
      RepoFile file = listing.files().get(name);
      if (file == null) {
        throw new HubException(
            id + " lacks the shard " + RepoPaths.quote(name) + " that its index names");
      }
      Path placed = cache.snapshot(commit).resolve(name);
      if (!present.contains(name) || !isComplete(placed, file.size())) {
        bring(cache, id, commit, file, new Report(listener, name, done, wanted.size()));
      }
      if (name.equals(selection.weights()) && selection.isSharded()) {
        wanted.addAll(shards(cache, commit, selection));
      }
    }
    Set<String> absent = new TreeSet<>(FileSelection.KNOWN_NAMES);
    absent.removeAll(names);
    cache.writeAbsent(commit, absent);
    cache.writeRef(commit); // last, so that what it meant before serves until then
    return model(cache, id, commit, selection);
  }

  /** Tells a listener about one file, not too often. */
  private static final class Report {
    private final DownloadListener listener;
    private final String file;
    private final int filesDone;
    private final int filesTotal;
    private long reported = -1;

    Report(DownloadListener listener, String file, int filesDone, int filesTotal) {
      this.listener = listener;
      this.file = file;
      this.filesDone = filesDone;
      this.filesTotal = filesTotal;
    }

    void received(long bytes, long total) {
      if (reported < 0 || bytes < reported || bytes - reported >= REPORT_BYTES) {
        reported = bytes;
        listener.progress(new DownloadProgress(file, bytes, total, filesDone, filesTotal));
      }
    }

    void complete(long total) {
      listener.progress(new DownloadProgress(file, total, total, filesDone + 1, filesTotal));
    }
  }

  /** Brings a file to its snapshot, by way of the blobs. */
  @SuppressWarnings("try") // the lock is held, not used
  private void bring(ModelCache cache, HubId id, String commit, RepoFile file, Report report)
      throws IOException, InterruptedException {
    RemoteFile remote = client.describe(id, commit, file);
    long size = remote.size();
    try (CacheLock lock = CacheLock.acquire(cache.lock(remote.etag()))) {
      Path blob = cache.blob(remote.etag());
      // Another may have been here while this waited for the lock.
      if (!isComplete(cache.snapshot(commit).resolve(file.name()), size)) {
        boolean isNew = !isComplete(blob, size);
        if (isNew) {
          new BlobDownload(client, id, commit, remote, bytes -> report.received(bytes, size))
              .to(blob);
        }
        cache.place(commit, file.name(), blob, isNew);
      }
    }
    report.complete(size);
  }

  /** Whether a file is there with the size that it should have; -1 for any. */
  private static boolean isComplete(Path file, long size) throws IOException {
    return Files.isRegularFile(file) && (size < 0 || Files.size(file) == size);
  }
}
