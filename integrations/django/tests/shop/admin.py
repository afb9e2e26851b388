"""The list of orders, as an admin has it."""

from django.contrib import admin

from tidegate_django.admin import TidegateExportMixin

from .models import Order


class Large(admin.SimpleListFilter):
    title = "size"
    parameter_name = "size"

    def lookups(self, request, model_admin):
        return [("large", "large"), ("ranked", "ranked")]

    def queryset(self, request, queryset):
        if self.value() == "large":
            return queryset.filter(quantity__gt=50)
        if self.value() == "ranked":
            return queryset.exclude(rank=None)
        return queryset


@admin.register(Order)
class OrderAdmin(TidegateExportMixin, admin.ModelAdmin):
    tidegate_subject = "orders"
    list_display = ("number", "status", "placed_at", "total")
    list_filter = ("status", "is_gift", "is_checked", "placed_at", "due_on", Large, "customer")
    search_fields = ("number", "note")
    date_hierarchy = "placed_at"
    list_per_page = 20
