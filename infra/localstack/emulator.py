"""Starts ministack, with what the pinned version leaves out of what the agent relies on.

A PartiQL `INSERT` writes no stream record there; on AWS it does, like every other insertion
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html). The trail is written with `INSERT`
and announced from its stream, so nothing would ever leave the trail.
"""

import sys

from ministack import app
from ministack.services import dynamodb

insert = dynamodb._partiql_insert


def insert_with_stream_record(table, parsed):
    answer = insert(table, parsed)
    status = answer[0]
    if status == 200:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item)
    return answer


dynamodb._partiql_insert = insert_with_stream_record

if __name__ == "__main__":
    sys.exit(app.main())
