"""The database: SQLite in WAL mode, one connection per thread, rows in and out as records."""

import json
import sqlite3
import threading
import typing
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.gitlab.schema import SCHEMA, SCHEMA_VERSION

Value = str | int | float | bool | tuple[str, ...] | None
Record = typing.TypeVar("Record")


class Store:
    """Reads and writes records. A write outside `transaction()` is a transaction of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            with self.transaction():
                self._create()
        except BaseException:
            self.close()
            raise

    def one(self, record: type[Record], sql: str, *values: Value) -> Record | None:
        """The first row of a query, or None. The query selects all columns of the record's table."""
        row = self._connection().execute(sql, _plain(values)).fetchone()
        return None if row is None else _record(record, row)

    def all(self, record: type[Record], sql: str, *values: Value) -> list[Record]:
        """Every row of a query."""
        return [_record(record, row) for row in self._connection().execute(sql, _plain(values))]

    def count(self, sql: str, *values: Value) -> int:
        """The single number a query selects; 0 when it selects none."""
        row = self._connection().execute(sql, _plain(values)).fetchone()
        return int(row[0] or 0) if row else 0

    def texts(self, sql: str, *values: Value) -> list[str]:
        """The first column of every row."""
        return [str(row[0]) for row in self._connection().execute(sql, _plain(values))]

    def insert(self, table: str, **columns: Value) -> int:
        """Add a row and give its id. Raises sqlite3.IntegrityError where a unique key is taken."""
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names come from our own code
        cursor = self._connection().execute(sql, _plain(tuple(columns.values())))
        return int(cursor.lastrowid or 0)

    def update(self, table: str, row_id: int, **columns: Value) -> None:
        """Set columns of the row with this id."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE {table} SET {assignments} WHERE id = ?"  # noqa: S608 - names come from our own code
        self._connection().execute(sql, _plain((*columns.values(), row_id)))

    def delete(self, table: str, row_id: int) -> None:
        """Remove the row with this id and what belongs to it."""
        self._connection().execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))  # noqa: S608 - as above

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several writes at once or not at all; nests. The write lock is taken at the start (BEGIN IMMEDIATE),
        so what is read inside stays true until the end."""
        connection = self._connection()
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections of all threads; only when no thread uses them any more."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    def _create(self) -> None:
        version = self.count("PRAGMA user_version")
        if version == SCHEMA_VERSION:
            return
        if version != 0:
            raise ConfigurationError(
                f"{self._path} was made by another version of the local GitLab (schema {version}, "
                f"this one writes {SCHEMA_VERSION})",
                hint="start afresh: sledge stack reset",
            )
        for statement in SCHEMA.split(";"):
            self._connection().execute(statement)
        self._connection().execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _plain(values: tuple[Value, ...]) -> tuple[str | int | float | None, ...]:
    return tuple(json.dumps(value) if isinstance(value, tuple) else value for value in values)


@cache
def _hints(record: Hashable) -> dict[str, object]:
    return typing.get_type_hints(record)


def _record(record: type[Record], row: sqlite3.Row) -> Record:
    fields: dict[str, object] = {}
    for name, hint in _hints(typing.cast(Hashable, record)).items():
        value = row[name]
        if hint is bool:
            value = bool(value)
        elif typing.get_origin(hint) is tuple:
            value = tuple(json.loads(value))
        fields[name] = value
    return record(**fields)
