import express from "express";

const app = express();
app.disable("x-powered-by");
app.get("/", (request, response) => response.type("text").send("Hello, world!"));

const server = app.listen(3000, "0.0.0.0");
// As process 1 of its container node ends on SIGTERM only when told to.
process.on("SIGTERM", () => server.close());
