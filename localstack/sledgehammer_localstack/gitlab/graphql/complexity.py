"""How much a query costs, counted as GitLab does, and how much it may (GraphQL API docs, "Maximum query complexity").

Each field costs 1, and 1 more where it asks Gitaly. A field with a resolver of its own costs 1 beside what is below it,
and where it gives a connection, a hundredth more for each entry of the page that is asked for (development docs, "API
GraphQL style guide", "complexity").
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from sledgehammer_localstack.gitlab.records import User

MAX_PAGE_SIZE = 100

_RESOLVED = frozenset(
    {
        "Query.project",
        "Query.projects",
        "Project.branchRules",
        "Project.ciVariables",
        "Repository.tree",
        "Tree.lastCommit",
    }
)
_ASKS_GITALY = frozenset(
    {"BranchRule.isDefault", "Repository.empty", "Repository.exists", "Repository.tree", "Tree.lastCommit"}
)


def most_for(user: User | None) -> int:
    """The limit: anonymous, signed in, administrator."""
    if user is None:
        return 200
    return 300 if user.is_admin else 250


class QueryCost:
    """The cost of one document that is known to be valid."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = dict(variables)
        definitions = document.definitions
        self._fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
        self._operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]

    def total(self) -> int:
        """Of all operations."""
        assert self._schema.query_type is not None  # noqa: S101 - the description has one
        return sum(self._below(self._schema.query_type, one.selection_set) for one in self._operations)

    def _below(self, parent: GraphQLObjectType, selections: SelectionSetNode | None) -> int:
        cost = 0
        for selection in selections.selections if selections is not None else ():
            if isinstance(selection, FieldNode):
                cost += self._field(parent, selection)
            elif isinstance(selection, FragmentSpreadNode):
                cost += self._below(parent, self._fragments[selection.name.value].selection_set)
            elif isinstance(selection, InlineFragmentNode):
                cost += self._below(parent, selection.selection_set)
        return cost

    def _field(self, parent: GraphQLObjectType, node: FieldNode) -> int:
        field = parent.fields.get(node.name.value)
        if field is None:  # of the types themselves: __type and what is below it
            return 1 + _fields_below(node)
        kind, name = get_named_type(field.type), f"{parent.name}.{node.name.value}"
        cost = 1 + (name in _ASKS_GITALY)
        if isinstance(kind, GraphQLObjectType):
            cost += self._below(kind, node.selection_set)
        if name not in _RESOLVED or not kind.name.endswith("Connection"):
            return cost
        sizes = [self._number(one.value) for one in node.arguments or () if one.name.value in ("first", "last")]
        return int(cost + cost * min(*sizes, MAX_PAGE_SIZE, MAX_PAGE_SIZE) * 0.01)

    def _number(self, value: ValueNode) -> int:
        """A page's size as it is written, or as a variable says."""
        found = self._variables.get(value.name.value) if isinstance(value, VariableNode) else None
        if isinstance(value, IntValueNode):
            found = int(value.value)
        return found if isinstance(found, int) else MAX_PAGE_SIZE


def _fields_below(node: FieldNode) -> int:
    inner = [one for one in (node.selection_set.selections if node.selection_set else ()) if isinstance(one, FieldNode)]
    return sum(1 + _fields_below(one) for one in inner)
