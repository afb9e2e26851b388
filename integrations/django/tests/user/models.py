"""People, as the specification's example has them: `user.User`."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    pass
