"""What the fuzzer is told of the shop: names that exist there, and the branch it sits on."""

import os
import zlib

import schemathesis

# The fuzzer's own operator and token: whoever takes these away tests nothing any more.
OWN = {
    ("token", "id"): int(os.environ["TIDEGATE_OWN_TOKEN"]),
    ("operator", "id"): int(os.environ["TIDEGATE_OWN_OPERATOR"]),
}
GUARDED = {"revoke_token": ("token", "id"), "change_operator": ("operator", "id")}
ROLES = ["editor", "viewer"]
FIELDS = ["id", "status", "total", "placed_at", "note"]
CAPABILITIES = ["orders.list", "orders.export", "exports.list.own", "tokens.manage"]
NOBODY = 1_000_000
# Who can sign in: random words never do.
CREDENTIALS = {
    "email": os.environ["TIDEGATE_OWN_EMAIL"],
    "password": os.environ["TIDEGATE_OWN_PASSWORD"],
}


def die(value, sides):
    """Throws a die that falls the same way for the same value, so that a failure can be repeated."""
    return zlib.crc32(repr(value).encode("utf-8", "surrogatepass")) % sides


def is_valid(case):
    return case.meta is None or case.meta.generation.mode.is_positive


def with_known_fields(filter_):
    """The filter with fields that the subject has, and values that may be theirs."""
    if not isinstance(filter_, dict):
        return
    for name in ("all", "any"):
        for part in filter_.get(name) or []:
            with_known_fields(part)
    with_known_fields(filter_.get("not"))
    if "field" in filter_ and die(filter_, 4):
        filter_["field"] = FIELDS[die(filter_, len(FIELDS))]


def known_request(body):
    """A request of the shop's orders, where a random one would be of nothing."""
    sides = die(body, 8)
    if sides == 0 or not isinstance(body.get("subject"), str):
        return
    body["subject"] = "orders"
    if sides > 2:
        body.pop("kind", None)
        body.pop("time_zone", None)
    if sides > 3:
        body["fields"] = FIELDS[: 1 + sides % len(FIELDS)]
        body.pop("options", None)
    scope = body.get("scope")
    if isinstance(scope, dict):
        if sides > 3:
            for name in [n for n in scope if n not in ("filter", "search", "ids", "except_ids")]:
                del scope[name]
            for name in ("ids", "except_ids"):
                keys = scope.get(name) or []
                scope[name] = [key if isinstance(key, int) else die(key, 5000) for key in keys][:50]
        with_known_fields(scope.get("filter"))


def known_names(case):
    body, operation = case.body, case.operation.definition.raw.get("operationId")
    if not isinstance(body, dict):
        return
    if operation in ("create_export", "preview_export", "estimate_export"):
        known_request(body)
    elif operation == "start_session" and die(body, 2):
        # The rest goes on guessing.
        body.update(CREDENTIALS)
    elif operation in ("add_operator", "change_operator") and isinstance(body.get("role"), str):
        body["role"] = ROLES[die(body, len(ROLES))]
    elif operation == "pause":
        # A pause of everything would be the end of the run.
        body["subject"] = "endless"
    elif operation in ("put_budgets", "put_approval_rules"):
        # So would a budget without room be, a rule that holds everything, and a reason for all.
        for one in [*(body.get("budgets") or []), *(body.get("rules") or [])]:
            one["subject"] = "endless"
            if one.get("role") is not None:
                one["role"] = ROLES[die(one, len(ROLES))]
            if one.get("roles"):
                one["roles"] = ROLES[: die(one, len(ROLES)) + 1]
        body.pop("reason", None)
    elif operation == "create_token" and isinstance(body.get("scopes"), list):
        body["scopes"] = CAPABILITIES[: die(body, len(CAPABILITIES) + 1)]
    elif operation == "put_role" and isinstance(body.get("capabilities"), list):
        body["capabilities"] = CAPABILITIES[: die(body, len(CAPABILITIES) + 1)]
        body.pop("limits", None)


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId")
    own = OWN.get(GUARDED.get(operation))
    if own is not None and str(case.path_parameters.get("id")) == str(own):
        case.path_parameters["id"] = NOBODY
    if operation == "put_role" and case.path_parameters.get("slug") == "administrator":
        case.path_parameters["slug"] = "auditor"
    if is_valid(case):
        known_names(case)
        if operation in ("get_subject", "list_rows") and die(case.path_parameters, 4):
            case.path_parameters["slug"] = "orders"
