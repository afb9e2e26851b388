"""The declaration of the specification, unchanged."""

ADMIN_ACTIONS = [
    {"model": "user.User", "codename": "export", "name": "Export users",
     "kind": "server", "scope": "bulk"},   # PII → server, permission-gated
]
