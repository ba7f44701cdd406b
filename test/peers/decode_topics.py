"""Decodes every record of every topic that has a schema, with Confluent's own consumer, Avro deserializer and registry client.

    python decode_topics.py --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7

Prints one line per topic (records decoded, tombstones) and one sample each; with --json one JSON object. Exits 1 when a
record cannot be decoded, when a topic of --require is missing or empty, or when nothing was decoded at all.
"""

import argparse
import json
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, DeserializingConsumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.error import ConsumeError, KeyDeserializationError, ValueDeserializationError
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import StringDeserializer

FAILURES_KEPT = 5


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", required=True, help="host:port of the brokers, separated by commas")
    parser.add_argument("--registry", required=True, help="base URL of the Confluent-compatible API")
    parser.add_argument("--prefix", default="", help="only topics whose names begin so")
    parser.add_argument("--topic", action="append", default=[], help="only these topics; repeatable (default all)")
    parser.add_argument("--require", action="append", default=[], metavar="TOPIC", help="must have records; repeatable")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="per topic (default 120)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return parser.parse_args()


def describe(error):
    record = error.kafka_message
    return f"partition {record.partition()} offset {record.offset()}: {error}"


def decode_topic(topic, partitions, arguments, registry):
    """Reads a topic from its beginning to the end of each partition, as a read-committed consumer sees it."""
    consumer = DeserializingConsumer(
        {
            "bootstrap.servers": arguments.kafka,
            "group.id": "peer-decode-topics",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "key.deserializer": StringDeserializer("utf_8"),
            "value.deserializer": AvroDeserializer(registry),
        }
    )
    result = {"records": 0, "tombstones": 0, "failures": 0, "firstFailures": [], "sample": None}

    def fail(text):
        result["failures"] += 1
        if len(result["firstFailures"]) < FAILURES_KEPT:
            result["firstFailures"].append(text)

    unfinished = set(partitions)
    deadline = time.monotonic() + arguments.timeout
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        while unfinished:
            if time.monotonic() > deadline:
                fail(f"not read to its end in {arguments.timeout} s")
                break
            try:
                record = consumer.poll(1.0)
            except (KeyDeserializationError, ValueDeserializationError) as error:
                fail(describe(error))
                continue
            except ConsumeError as error:
                if error.code != KafkaError._PARTITION_EOF:
                    raise
                unfinished.discard(error.kafka_message.partition())
                continue
            if record is None:
                continue
            if record.value() is None:
                result["tombstones"] += 1
                continue
            result["records"] += 1
            if result["sample"] is None:
                result["sample"] = {"key": record.key(), "value": record.value()}
    finally:
        consumer.close()
    return result


def print_text(results, skipped):
    for topic, result in results.items():
        counts = f"{result['records']} records, {result['tombstones']} tombstones, {result['failures']} failures"
        print(f"{topic}: {counts}")
        if result["sample"] is not None:
            print(f"  {json.dumps(result['sample'], default=str)}")
        for failure in result["firstFailures"]:
            print(f"  FAILED {failure}")
    for topic in skipped:
        print(f"{topic}: skipped, no schema is registered for its values")


def main():
    arguments = parse_arguments()
    registry = SchemaRegistryClient({"url": arguments.registry})
    subjects = set(registry.get_subjects())
    metadata = AdminClient({"bootstrap.servers": arguments.kafka}).list_topics(timeout=30)
    results, skipped = {}, []
    for topic in sorted(metadata.topics):
        if topic.startswith("__") or not topic.startswith(arguments.prefix):
            continue
        if arguments.topic and topic not in arguments.topic:
            continue
        if f"{topic}-value" in subjects:
            partitions = sorted(metadata.topics[topic].partitions)
            results[topic] = decode_topic(topic, partitions, arguments, registry)
        else:
            skipped.append(topic)

    missing = [topic for topic in arguments.require if results.get(topic, {}).get("records", 0) == 0]
    decoded = sum(result["records"] for result in results.values())
    failures = sum(result["failures"] for result in results.values())
    ok = decoded > 0 and failures == 0 and not missing
    if arguments.json:
        summary = {"ok": ok, "decoded": decoded, "failures": failures, "missing": missing}
        print(json.dumps({**summary, "topics": results, "skipped": skipped}, default=str))
    else:
        print_text(results, skipped)
        for topic in missing:
            print(f"{topic}: FAILED, has no decoded record")
        print(f"{decoded} records decoded, {failures} failures: {'ok' if ok else 'FAILED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
