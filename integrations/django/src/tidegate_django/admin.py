"""Exports of a ModelAdmin, made by Tidegate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from . import client, memberships, registry, translate
from .conf import config

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


class TidegateExportMixin(_Base):
    """Adds "Export selected" and "Export all that match" to a changelist.

    Both are there for whoever has the permission of the model's `export`, and for nobody else.
    """

    #: Slug of the subject in Tidegate whose `model` this is.
    tidegate_subject: str = ""
    #: Slugs of fields that are not called as their columns are; None for those it does not have.
    tidegate_fields: dict[str, Any] = {}
    #: Fields of the file; none for the subject's usual ones.
    tidegate_columns: list[str] | None = None
    tidegate_format: str = "csv"
    tidegate_options: dict[str, Any] = {"profile": "spreadsheet"}

    change_list_template = "admin/tidegate/change_list.html"

    def has_tidegate_export_permission(self, request: HttpRequest) -> bool:
        action = registry.export_of(self.model)
        return action is not None and request.user.has_perm(action.permission)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if self.has_tidegate_export_permission(request):
            for function, name, words in (
                (_selected, "tidegate_export_selected", _("Export selected with Tidegate")),
                (_matching, "tidegate_export_matching", _("Export all that match with Tidegate")),
            ):
                actions[name] = (function, name, words)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = self.has_tidegate_export_permission(request)
        context = {**(extra_context or {}), "tidegate_may_export": may}
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def tidegate_export(
        self, request: HttpRequest, queryset: QuerySet[Any], *, by_keys: bool
    ) -> HttpResponse | None:
        """Hands a queryset over, and goes to the export; stays, and says why, if it cannot."""
        if not self.has_tidegate_export_permission(request):
            self.message_user(request, _("You may not export this."), messages.ERROR)
            return None
        try:
            return HttpResponseRedirect(self._handed_over(request, queryset, by_keys=by_keys))
        except (translate.TooMany, client.TidegateError) as error:
            said = _("Nothing was exported: %(why)s") % {"why": error}
            self.message_user(request, said, messages.ERROR)
            return None

    def _handed_over(self, request: HttpRequest, queryset: QuerySet[Any], *, by_keys: bool) -> str:
        email = memberships.email_of(request.user)
        if not email:
            raise client.Refused(422, _("your account has no mail address"))
        if memberships.is_shared(request.user, email):
            raise client.Refused(422, _("another account has your mail address"))
        if by_keys:
            return self._sent(request, email, {"ids": translate.keys(queryset)})
        scope, why = translate.scope(queryset, self.tidegate_fields)
        cited = translate.cited(queryset, self.tidegate_fields)
        try:
            return self._sent(request, email, scope, None if why is None else cited)
        except client.Refused as error:
            if error.is_masked:
                # What may not be sought must not be found by another way: not by keys.
                is_order = all(fault.pointer.startswith("/scope/sort") for fault in error.faults)
                if not is_order or ORDER_VAR in request.GET:
                    raise
                # Nobody has chosen the order: it is the list's own.
                return self._sent(request, email, {**scope, "sort": []})
            # A field that Tidegate does not have, or has with another type: by keys, then.
            is_scope = all(fault.pointer.startswith("/scope/") for fault in error.faults)
            if why is not None or not error.faults or not is_scope:
                raise
            by_key = {"ids": translate.keys(queryset, str(error))}
            return self._sent(request, email, by_key, cited)

    def _sent(
        self,
        request: HttpRequest,
        email: str,
        scope: dict[str, Any],
        cited: list[str] | None = None,
    ) -> str:
        export: dict[str, Any] = {
            "subject": self.tidegate_subject,
            "format": self.tidegate_format,
            "scope": scope,
        }
        if self.tidegate_options:
            export["options"] = self.tidegate_options
        if self.tidegate_columns is not None:
            export["fields"] = self.tidegate_columns
        taken = client.hand_over(
            config(),
            email=email,
            is_active=request.user.is_active,
            signed_at=client.moment(),
            memberships=memberships.of(request.user),
            export=export,
            cited=cited,
        )
        return str(taken["url"])


def _selected(
    modeladmin: TidegateExportMixin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    # "Select all N" was clicked: then it is what matches, not what was ticked.
    is_across = request.POST.get("select_across") == "1"
    return modeladmin.tidegate_export(request, queryset, by_keys=not is_across)


def _matching(
    modeladmin: TidegateExportMixin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    # Whatever was ticked: all that the list shows, over all its pages.
    changelist = modeladmin.get_changelist_instance(request)
    everything = changelist.get_queryset(request)
    return modeladmin.tidegate_export(request, everything, by_keys=False)
