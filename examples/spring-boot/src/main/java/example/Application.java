package example;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** A small Spring Boot application: pets, and rooms whose messages are streamed. It knows nothing of Lambda. */
@SpringBootApplication
@RestController
public class Application {
  record Pet(String name, String kind) {}

  private final Map<String, Pet> pets = new ConcurrentHashMap<>();
  private final Map<String, List<SseEmitter>> rooms = new ConcurrentHashMap<>();

  public static void main(String[] arguments) {
    SpringApplication.run(Application.class, arguments);
  }

  @GetMapping("/")
  public Map<String, String> hello(@RequestParam(defaultValue = "Spring Boot") String name) {
    return Map.of("hello", name);
  }

  @PostMapping("/pets")
  @ResponseStatus(HttpStatus.CREATED)
  public Pet add(@RequestBody Pet pet) {
    pets.put(pet.name(), pet);
    return pet;
  }

  @GetMapping("/pets/{name}")
  public Pet pet(@PathVariable String name) {
    Pet pet = pets.get(name);
    if (pet == null) {
      throw new ResponseStatusException(HttpStatus.NOT_FOUND);
    }
    return pet;
  }

  /** Server-sent events: each message as soon as someone sends it, until someone says `bye`. */
  @GetMapping("/rooms/{room}")
  public SseEmitter listen(@PathVariable String room) throws IOException {
    List<SseEmitter> here = rooms.computeIfAbsent(room, name -> new CopyOnWriteArrayList<>());
    SseEmitter emitter = new SseEmitter(60_000L);
    emitter.onCompletion(() -> here.remove(emitter));
    here.add(emitter);
    emitter.send("welcome");
    return emitter;
  }

  @PostMapping("/rooms/{room}")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  public void say(@PathVariable String room, @RequestBody String message) throws IOException {
    for (SseEmitter emitter : rooms.getOrDefault(room, List.of())) {
      emitter.send(message);
      if (message.equals("bye")) {
        emitter.complete();
      }
    }
  }
}
