package org.clip4j.examples.spring;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.clip4j.image.ImageFormatException;
import org.springframework.core.io.FileSystemResource;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/**
 * The requests:
 *
 * <pre>
 * curl -H 'Content-Type: image/png' --data-binary @dog.png localhost:8080/pictures
 * curl 'localhost:8080/pictures?text=a+dog&amp;count=3'
 * curl localhost:8080/pictures/ID
 * curl -X DELETE localhost:8080/pictures/ID
 * </pre>
 *
 * <p>A picture is the body itself, not a form: a page of another site cannot send that from a
 * browser without asking first, which nobody answers.
 */
@RestController
@RequestMapping("/pictures")
class PictureController {
  static final int MOST_BYTES = 16 << 20;
  private static final int MOST_FOUND = 1000;

  private final Pictures pictures;

  PictureController(Pictures pictures) {
    this.pictures = pictures;
  }

  @PostMapping(consumes = {"image/png", "image/jpeg", "image/gif", "image/webp"})
  ResponseEntity<Map<String, String>> add(
      InputStream body, @RequestHeader("Content-Type") MediaType type) throws IOException {
    byte[] picture = body.readNBytes(MOST_BYTES + 1);
    if (picture.length > MOST_BYTES) {
      throw new ResponseStatusException(
          HttpStatus.PAYLOAD_TOO_LARGE, "a picture has at most " + MOST_BYTES + " bytes");
    }
    try {
      String id = pictures.add(picture, type);
      return ResponseEntity.created(URI.create("/pictures/" + id)).body(Map.of("id", id));
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof ImageFormatException format) {
        throw new ResponseStatusException(
            format.isTooLarge() ? HttpStatus.PAYLOAD_TOO_LARGE : HttpStatus.BAD_REQUEST,
            format.getMessage(),
            e);
      }
      throw e;
    }
  }

  @GetMapping
  List<Pictures.Found> find(@RequestParam String text, @RequestParam(defaultValue = "10") int count)
      throws IOException {
    if (text.isBlank()) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "the text is empty");
    }
    if (count < 1 || count > MOST_FOUND) {
      throw new ResponseStatusException(
          HttpStatus.BAD_REQUEST, "count is 1 to " + MOST_FOUND + ", found " + count);
    }
    return pictures.find(text, count);
  }

  @GetMapping("/{id}")
  ResponseEntity<FileSystemResource> get(@PathVariable String id) throws IOException {
    Pictures.Stored stored = pictures.get(id).orElseThrow(() -> unknown(id));
    return ResponseEntity.ok()
        .contentType(MediaType.parseMediaType(stored.type()))
        .header("X-Content-Type-Options", "nosniff")
        .body(new FileSystemResource(stored.file()));
  }

  @DeleteMapping("/{id}")
  ResponseEntity<Void> remove(@PathVariable String id) throws IOException {
    if (!pictures.remove(id)) {
      throw unknown(id);
    }
    return ResponseEntity.noContent().build();
  }

  private static ResponseStatusException unknown(String id) {
    return new ResponseStatusException(HttpStatus.NOT_FOUND, "there is no picture " + id);
  }
}
