"""A small HTTP API: a greeting, and greetings for those who have a name."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

app = FastAPI(title="python-api")


class Greeting(BaseModel):
    """What is said to whom."""

    name: str
    text: str


@app.get("/", response_class=PlainTextResponse)
def hello() -> str:
    """The page that says it works."""
    return "Hello, world!"


@app.get("/greetings/{name}")
def greet(name: str) -> Greeting:
    """A greeting as JSON."""
    return Greeting(name=name, text=f"Hello, {name}!")
