package example;

import io.javalin.Javalin;

/** Answers every request for the first page with a greeting. */
public final class Service {
  private Service() {}

  public static void main(String[] arguments) {
    Javalin server = Javalin.create().get("/", context -> context.result("Hello, world!"));
    Runtime.getRuntime().addShutdownHook(new Thread(server::stop));
    server.start(8080);
  }
}
