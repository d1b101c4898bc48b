"""Refer cases over plain HTTP: the answer is the receipt.

    echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | python refer_http.py

Without an answer it is sent again, with the same Idempotency-Key and the same reference: a second case never comes of it.
Each receipt is printed; where a referral was refused, with the fields to correct.
"""

import json
import os
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

AGAIN = {429, 502, 503, 504}  # it was not taken, or nobody knows


def refer(body):
    """The receipt of a referral, however often it has to be sent."""
    reference, pause = body["reference"], 0.5
    headers = {
        "Authorization": f"Bearer {os.environ['NAUNGAN_TOKEN']}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"referral:{reference}",
    }
    while True:
        try:
            with urlopen(Request(f"{os.environ['NAUNGAN_URL']}/intake/reports", json.dumps(body).encode(), headers), timeout=10) as answer:
                return json.load(answer) | {"reference": reference}
        except HTTPError as refused:
            if refused.code not in AGAIN:
                problem = json.load(refused)
                return {"reference": reference, "receipt": "rejected", "title": problem["title"], "problems": problem.get("errors", [])}
            print(f"{reference}: {refused.code}, again", file=sys.stderr)
        except (URLError, TimeoutError, ConnectionError) as error:
            print(f"{reference}: {type(error).__name__}, again", file=sys.stderr)
        time.sleep(pause)
        pause = min(2 * pause, 30)


for line in filter(str.strip, sys.stdin):
    print(json.dumps(refer(json.loads(line))), flush=True)
