"""Hands the exports of a Django admin to Tidegate: permissioned, audited, never widened."""
