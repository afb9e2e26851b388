"""The list of people."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from tidegate_django.admin import TidegateExportMixin

from .models import User


@admin.register(User)
class PersonAdmin(TidegateExportMixin, UserAdmin):
    tidegate_subject = "users"
