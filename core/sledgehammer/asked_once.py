"""A value that an object finds out when first asked, and then keeps."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class asked_once(Generic[T]):  # noqa: N801 - a decorator, as functools.cached_property is
    """`functools.cached_property`, but objects do not wait for each other: up to Python 3.11 that holds one lock for
    all objects of a class while a value is found, so that threads with a project each ask one after the other
    (https://docs.python.org/3/library/functools.html#functools.cached_property). Threads that ask the same object at
    the same time may each find out."""

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        found = self._find(instance)
        instance.__dict__[self._name] = found  # from now on found there, before this is asked
        return found
