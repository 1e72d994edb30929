"""Identity: users, roles, permissions and sessions.

Owns schema ``identity``. Permissions are rows (``resource.action``) that roles group; sessions are opaque
tokens of which only a hash is kept, revocable at once. Publishes SessionRevoked and RoleChanged;
listens to nobody.
"""
