"""Types, fields and arguments by the names of GitLab's reference (docs.gitlab.com/api/graphql/reference), a part of it:
there are no mutations, and none of the fields that only Premium has."""

from functools import cache

from graphql import GraphQLSchema, build_schema

_PAGES = "after: String, before: String, first: Int, last: Int"

_CONNECTIONS = "".join(
    f"""
type {node}Connection {{ nodes: [{node}] pageInfo: PageInfo! }}
"""
    for node in (
        "BranchRule",
        "CiProjectVariable",
        "MergeAccessLevel",
        "Project",
        "PushAccessLevel",
    )
)

_TEXT = f"""
type Query {{
  project(fullPath: ID!): Project
  projects(fullPaths: [String!], {_PAGES}): ProjectConnection
}}

type PageInfo {{
  endCursor: String
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
}}

type Project {{
  branchRules({_PAGES}): BranchRuleConnection
  ciVariables({_PAGES}): CiProjectVariableConnection
  fullPath: ID!
  id: ID!
  name: String!
  repository: Repository
}}

enum CiVariableType {{ ENV_VAR FILE }}

type CiProjectVariable {{
  description: String
  environmentScope: String
  hidden: Boolean
  id: ID!
  key: String
  masked: Boolean
  protected: Boolean
  raw: Boolean
  value: String
  variableType: CiVariableType
}}

type BranchRule {{
  branchProtection: BranchProtection
  isDefault: Boolean!
  isProtected: Boolean!
  name: String!
}}

type BranchProtection {{
  allowForcePush: Boolean!
  mergeAccessLevels({_PAGES}): MergeAccessLevelConnection
  pushAccessLevels({_PAGES}): PushAccessLevelConnection
}}

type MergeAccessLevel {{
  accessLevel: Int!
  accessLevelDescription: String!
}}

type PushAccessLevel {{
  accessLevel: Int!
  accessLevelDescription: String!
  deployKey: AccessLevelDeployKey
}}

type AccessLevelDeployKey {{
  id: ID!
  title: String!
}}

enum RefType {{ HEADS TAGS }}

type Repository {{
  empty: Boolean!
  exists: Boolean!
  tree(path: String = "", recursive: Boolean = false, ref: String, refType: RefType): Tree
}}

type Tree {{ lastCommit: Commit }}

type Commit {{
  id: ID!
  sha: String!
  shortId: String!
  title: String
}}
{_CONNECTIONS}
"""


@cache
def description() -> GraphQLSchema:
    """The types, built when first asked for."""
    return build_schema(_TEXT)
