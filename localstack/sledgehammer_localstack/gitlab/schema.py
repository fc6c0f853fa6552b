"""The tables. Column names are the field names of `records`; tuples are stored as JSON, booleans as 0 and 1."""

SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE, is_admin INTEGER NOT NULL, is_bot INTEGER NOT NULL,
    state TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    full_path TEXT NOT NULL UNIQUE COLLATE NOCASE, parent_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    owner_id INTEGER REFERENCES users ON DELETE CASCADE, visibility TEXT NOT NULL, description TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace_id INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE,
    name TEXT NOT NULL, path TEXT NOT NULL, full_path TEXT NOT NULL UNIQUE COLLATE NOCASE,
    description TEXT NOT NULL, visibility TEXT NOT NULL, default_branch TEXT NOT NULL, creator_id INTEGER NOT NULL,
    topics TEXT NOT NULL, archived INTEGER NOT NULL, settings TEXT NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, last_activity_at TEXT NOT NULL, next_pipeline_iid INTEGER NOT NULL DEFAULT 1);
CREATE TABLE redirects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, full_path TEXT NOT NULL UNIQUE COLLATE NOCASE,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE);
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL UNIQUE REFERENCES projects ON DELETE CASCADE,
    status TEXT NOT NULL, error TEXT);
CREATE TABLE members (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    namespace_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    project_id INTEGER REFERENCES projects ON DELETE CASCADE,
    access_level INTEGER NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (user_id, namespace_id), UNIQUE (user_id, project_id));
CREATE TABLE access_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    namespace_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    project_id INTEGER REFERENCES projects ON DELETE CASCADE, access_level INTEGER,
    name TEXT NOT NULL, description TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT, revoked INTEGER NOT NULL, last_used_at TEXT);
CREATE TABLE deploy_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    project_id INTEGER REFERENCES projects ON DELETE CASCADE, name TEXT NOT NULL, username TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL, expires_at TEXT, revoked INTEGER NOT NULL);
CREATE TABLE variables (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    project_id INTEGER REFERENCES projects ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
    variable_type TEXT NOT NULL, protected INTEGER NOT NULL, masked INTEGER NOT NULL, hidden INTEGER NOT NULL,
    raw INTEGER NOT NULL, environment_scope TEXT NOT NULL, description TEXT,
    UNIQUE (namespace_id, key, environment_scope), UNIQUE (project_id, key, environment_scope));
CREATE TABLE protected_branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL, push_level INTEGER NOT NULL, merge_level INTEGER NOT NULL,
    allow_force_push INTEGER NOT NULL, UNIQUE (project_id, name));
CREATE TABLE protected_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL, create_level INTEGER NOT NULL, UNIQUE (project_id, name));
CREATE TABLE pipeline_schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    owner_id INTEGER NOT NULL, description TEXT NOT NULL, ref TEXT NOT NULL, cron TEXT NOT NULL,
    cron_timezone TEXT NOT NULL, active INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE schedule_variables (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule_id INTEGER NOT NULL REFERENCES pipeline_schedules ON DELETE CASCADE, key TEXT NOT NULL,
    value TEXT NOT NULL, variable_type TEXT NOT NULL, UNIQUE (schedule_id, key));
CREATE TABLE registry_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    subject TEXT NOT NULL, pattern TEXT NOT NULL, push_level TEXT NOT NULL, delete_level TEXT NOT NULL,
    UNIQUE (project_id, subject, pattern));
CREATE TABLE merge_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    iid INTEGER NOT NULL, source_branch TEXT NOT NULL, target_branch TEXT NOT NULL, title TEXT NOT NULL,
    description TEXT NOT NULL, state TEXT NOT NULL, author_id INTEGER NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, UNIQUE (project_id, iid));
CREATE TABLE job_token_allowlist (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    target_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE, UNIQUE (project_id, target_id));
CREATE TABLE job_token_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    target_id INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE, UNIQUE (project_id, target_id));
CREATE TABLE runners (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    runner_type TEXT NOT NULL, project_id INTEGER REFERENCES projects ON DELETE CASCADE,
    namespace_id INTEGER REFERENCES namespaces ON DELETE CASCADE, tag_list TEXT NOT NULL,
    run_untagged INTEGER NOT NULL, paused INTEGER NOT NULL, locked INTEGER NOT NULL,
    maximum_timeout INTEGER, created_at TEXT NOT NULL, contacted_at TEXT,
    version TEXT NOT NULL, revision TEXT NOT NULL, platform TEXT NOT NULL, architecture TEXT NOT NULL);
CREATE TABLE pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE, sha TEXT NOT NULL, before_sha TEXT NOT NULL,
    ref TEXT NOT NULL, tag INTEGER NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, name TEXT,
    yaml_errors TEXT, stages TEXT NOT NULL, variables TEXT NOT NULL, user_id INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, started_at TEXT, finished_at TEXT, committed_at TEXT,
    UNIQUE (project_id, iid));
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    pipeline_id INTEGER NOT NULL REFERENCES pipelines ON DELETE CASCADE, name TEXT NOT NULL, stage TEXT NOT NULL,
    status TEXT NOT NULL, definition TEXT NOT NULL, allow_failure INTEGER NOT NULL, tag_list TEXT NOT NULL,
    timeout_s INTEGER NOT NULL, attempt INTEGER NOT NULL, retried INTEGER NOT NULL, user_id INTEGER NOT NULL,
    runner_id INTEGER REFERENCES runners ON DELETE SET NULL, digest TEXT, failure_reason TEXT, exit_code INTEGER,
    created_at TEXT NOT NULL, queued_at TEXT, started_at TEXT, finished_at TEXT, erased_at TEXT, heard_at TEXT,
    trace_size INTEGER NOT NULL DEFAULT 0, played_variables TEXT NOT NULL DEFAULT '[]',
    cancels_gracefully INTEGER NOT NULL DEFAULT 0);
CREATE INDEX jobs_by_pipeline ON jobs (pipeline_id);
CREATE INDEX jobs_by_status ON jobs (status);
CREATE INDEX jobs_by_digest ON jobs (digest);
CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    kind TEXT NOT NULL, format TEXT NOT NULL, filename TEXT NOT NULL, size INTEGER NOT NULL,
    expires_at TEXT, UNIQUE (job_id, kind));
CREATE TABLE registry_repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    path TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
"""
