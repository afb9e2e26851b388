"""What is done with orders."""

ADMIN_ACTIONS = [
    {
        "model": "shop.Order",
        "codename": "export",
        "name": "Export orders",
        "kind": "server",
        "scope": "list",
    },
]
