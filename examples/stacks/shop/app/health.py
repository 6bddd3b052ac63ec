"""The health check: fails unless the app answers, which it does only with its database and its cache."""

from urllib.request import urlopen

with urlopen("http://127.0.0.1:8000/health", timeout=5) as answer:
    print(answer.read().decode().strip())
