"""A Django service as ImagAIne runs them: simplejwt reads tokens, and who they name comes from the claims alone.

Reads one JSON command a line from standard input and answers with one line of JSON.
"""

import json
import sys

import django
from django.conf import settings

options = json.loads(sys.argv[1])
settings.configure(
    SECRET_KEY=options["secret"],
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    PASSWORD_HASHERS=[
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    ],
    SIMPLE_JWT={
        "SIGNING_KEY": options["secret"],
        "USER_ID_FIELD": "id",
        "USER_ID_CLAIM": "user_id",
        "LEEWAY": 30,
        **options.get("simple_jwt", {}),
    },
)
django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402
from rest_framework.exceptions import APIException  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402
from rest_framework_simplejwt.authentication import JWTTokenUserAuthentication  # noqa: E402
from rest_framework_simplejwt.exceptions import TokenError  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken  # noqa: E402


def authenticate(token):
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    try:
        user, _ = JWTTokenUserAuthentication().authenticate(request)
        return {"user_id": str(user.id)}
    except (APIException, TokenError) as error:
        return {"refused": str(error)}


def issue(user_id):
    refresh = RefreshToken()
    refresh["user_id"] = user_id
    return {"refresh": str(refresh), "access": str(refresh.access_token)}


def hash_password(password, algorithm):
    return {"hash": make_password(password, hasher=algorithm)}


commands = {"authenticate": authenticate, "issue": issue, "hash": hash_password}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
