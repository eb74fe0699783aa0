"""Thirty systems with their needs, each with the one or two engines that can be defended.

The engines and what speaks against each are in `needs` and `fit`. The first accepted engine is
the one that asks least of the team among those that serve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mqlearn.units.choosing_a_technology.needs import Needs

REDIS = ("redis", "redis_pubsub")  # a team with such a server has both


@dataclass(frozen=True)
class Case:
    """A system, its needs, the engines that can be defended, and the reason in one sentence."""

    name: str
    story: str
    needs: Needs
    accepted: tuple[str, ...]
    reason: str


LOG = ("kafka", "pulsar")
CASES: Final = (
    Case(
        "click stream",
        "Three teams read every click of a large shop, each at its own pace, a week back.",
        Needs(rate=200_000, work=0.0001, order="key", replay=7, fan_out=3, known_by_team=("sqs",)),
        LOG,
        "A log keeps the order of each visitor over many readers, and a week of history.",
    ),
    Case(
        "order mails",
        "Two people run a shop in a cloud; each order sends a mail, and they run no servers.",
        Needs(rate=20, work=0.5, effort="none"),
        ("sqs",),
        "A work queue without a server to run is all that is needed.",
    ),
    Case(
        "is typing",
        "A chat shows who is typing, for two seconds, on thousands of screens.",
        Needs(
            rate=20,
            fan_out=5000,
            latency=0.05,
            durability="none",
            effort="one server",
            known_by_team=("rabbitmq",),
        ),
        ("redis_pubsub",),
        "A lost sign is replaced by the next one, and thousands of readers need no queue each.",
    ),
    Case(
        "urgent charges",
        "Cards are charged on own machines; express orders overtake, and some customers those.",
        Needs(rate=50, work=2, priority=4, own_machines=True, known_by_team=("kafka",)),
        ("rabbitmq",),
        "Only its queues serve several levels of urgency, and a lost machine loses no charge.",
    ),
    Case(
        "video conversion",
        "Customers' films are converted in a cellar full of machines, ten minutes each.",
        Needs(rate=0.2, work=600, own_machines=True, known_by_team=("kafka",)),
        ("rabbitmq",),
        "Long jobs need many consumers and single acks, and no film is lost with a machine.",
    ),
    Case(
        "audit trail",
        "Everything that clerks change is kept in one order; three departments read it again.",
        Needs(rate=300, order="all", replay=90, fan_out=3, known_by_team=REDIS),
        LOG,
        "One partition is one order, kept for 90 days whether it was read or not.",
    ),
    Case(
        "webhooks",
        "Partners' servers are called; a call that fails is sent again after up to ten minutes.",
        Needs(rate=10, work=1, delay=600, effort="none", known_by_team=("rabbitmq",)),
        ("sqs",),
        "It holds single messages back for up to 15 minutes, and no server is run.",
    ),
    Case(
        "uncollected parcels",
        "A customer is reminded of a parcel at the minute that was chosen, up to a day ahead.",
        Needs(rate=50, delay=86_400, known_by_team=("kafka", "rabbitmq")),
        ("pulsar",),
        "Only its broker holds a single message back for a day.",
    ),
    Case(
        "factory alarms",
        "Machines in a hall without internet report; alarms overtake temperatures.",
        Needs(
            rate=50,
            fan_out=4,
            priority=3,
            durability="crash",
            effort="one server",
            own_machines=True,
            known_by_team=("kafka",),
        ),
        ("rabbitmq",),
        "Levels of urgency on one server in the hall, and each reader has a queue of its own.",
    ),
    Case(
        "nightly reports",
        "A few hundred reports are made each night; the days are empty and may cost nothing.",
        Needs(rate=0.5, work=30, effort="none", cost="no idle cost", known_by_team=("kafka",)),
        ("sqs",),
        "It is paid by the request, so a day without messages costs next to nothing.",
    ),
    Case(
        "scores",
        "A game with a Redis server for its tables sends each score to a few workers.",
        Needs(
            rate=8000,
            work=0.001,
            latency=0.05,
            durability="crash",
            effort="one server",
            known_by_team=REDIS,
        ),
        ("redis",),
        "The server is there, and a stream keeps what no worker has acked yet.",
    ),
    Case(
        "account changes",
        "Changes of one account must be handled in order, by twenty functions in a cloud.",
        Needs(rate=100, work=0.2, order="key", effort="none", known_by_team=("kafka",)),
        ("sqs",),
        "A FIFO queue with the account as group keeps its order, and no server is run.",
    ),
    Case(
        "change capture",
        "Each change of a database goes to a search index, a cache and a warehouse.",
        Needs(rate=20_000, work=0.001, order="key", replay=7, fan_out=3, known_by_team=("kafka",)),
        ("kafka",),
        "Order by row, three readers, a week to build an index again; and the team runs it.",
    ),
    Case(
        "vehicles",
        "A platform for many companies' vehicles; the team runs Pulsar for all of them.",
        Needs(
            rate=100_000, work=0.001, order="key", replay=3, fan_out=5, known_by_team=("pulsar",)
        ),
        ("pulsar",),
        "It serves all that is asked, and the team runs it.",
    ),
    Case(
        "stale prices",
        "Forty web servers drop a cached price when it changes; it expires after a minute anyway.",
        Needs(
            rate=300,
            fan_out=40,
            latency=0.02,
            durability="none",
            effort="one server",
            known_by_team=REDIS,
        ),
        ("redis_pubsub", "redis"),
        "A lost message costs a minute of an old price, so nothing need be kept.",
    ),
    Case(
        "server logs",
        "The log lines of two thousand servers go to a search index on the team's own machines.",
        Needs(
            rate=300_000,
            work=0.0001,
            durability="crash",
            own_machines=True,
            known_by_team=("rabbitmq", *REDIS),
        ),
        LOG,
        "So many lines need several brokers that share one topic, and a client that batches.",
    ),
    Case(
        "host bridge",
        "An old program takes bookings one by one, on the bank's own machines.",
        Needs(
            rate=5,
            work=0.1,
            order="all",
            durability="crash",
            effort="one server",
            own_machines=True,
            known_by_team=("rabbitmq",),
        ),
        ("rabbitmq",),
        "One queue with one consumer keeps the order, and the team runs it.",
    ),
    Case(
        "thumbnails",
        "Uploaded pictures are made small; the team of two runs a cache and will run no cluster.",
        Needs(rate=30, work=3, effort="one server", known_by_team=REDIS),
        ("sqs",),
        "The pictures must survive a lost machine, which the cache's server does not promise.",
    ),
    Case(
        "auction",
        "The bids of an item are handled in order, two services see each bid within 50 ms.",
        Needs(rate=2000, work=0.002, order="key", fan_out=2, latency=0.05),
        LOG,
        "Order by item over several consumers within 50 ms, and no bid lost with a machine.",
    ),
    Case(
        "fraud",
        "Payments are scored as they pass; each new model runs over the last month again.",
        Needs(
            rate=50_000,
            work=0.002,
            order="key",
            replay=30,
            fan_out=2,
            known_by_team=("rabbitmq", "kafka"),
        ),
        ("kafka",),
        "A month is read again in order of each card; of the two that the team runs, one keeps it.",
    ),
    Case(
        "hospital calls",
        "Calls from beds to pagers, few but never lost, emergencies first, on own machines.",
        Needs(rate=0.1, work=5, priority=2, own_machines=True, known_by_team=REDIS),
        ("rabbitmq",),
        "Emergencies overtake, and three servers survive the loss of one.",
    ),
    Case(
        "small shop's jobs",
        "A web shop on one server, all in the house, has a Redis and needs ten jobs per second.",
        Needs(
            rate=10,
            work=1,
            durability="crash",
            effort="one server",
            own_machines=True,
            known_by_team=REDIS,
        ),
        ("redis",),
        "The server is there, and a stream with a group is a work queue.",
    ),
    Case(
        "invoices",
        "A million invoices on the first of each month, none on the other days.",
        Needs(rate=2000, work=0.2, effort="none", cost="no idle cost", known_by_team=("rabbitmq",)),
        ("sqs",),
        "It takes a million in minutes, and costs next to nothing on the other days.",
    ),
    Case(
        "open dashboards",
        "The load of all machines, drawn on whichever dashboards are open now.",
        Needs(
            rate=2000,
            fan_out=20,
            latency=0.1,
            durability="none",
            effort="one server",
            cost="no cost per message",
            known_by_team=("kafka",),
        ),
        ("redis_pubsub",),
        "The next point replaces a lost one; what no dashboard shows need not be kept.",
    ),
    Case(
        "rebooking",
        "On a bad flight day many clerks rebook passengers in ten levels of urgency.",
        Needs(rate=1, work=240, priority=10, known_by_team=("sqs",)),
        ("rabbitmq",),
        "Levels of urgency decide here, and long work needs single acks.",
    ),
    Case(
        "forty branches",
        "Prices and stock go to forty branches; a new server there reads three days again.",
        Needs(rate=200, work=0.01, order="key", replay=3, fan_out=40, known_by_team=("sqs",)),
        LOG,
        "Forty readers at their own place in one history, in order of each article.",
    ),
    Case(
        "rate limits",
        "Ten gateways tell each other within a millisecond what each client has used up.",
        Needs(
            rate=5000,
            fan_out=10,
            latency=0.001,
            durability="none",
            effort="one server",
            known_by_team=REDIS,
        ),
        ("redis_pubsub", "redis"),
        "Fast, to all, and a lost count is corrected by the next one.",
    ),
    Case(
        "files of partners",
        "500 files a day are checked and loaded in a cloud, ten minutes each, without servers.",
        Needs(rate=0.1, work=600, effort="none", known_by_team=("kafka",)),
        ("sqs",),
        "A lease of up to 12 hours covers the work, and no server is run.",
    ),
    Case(
        "notifications",
        "Mail, push and text message each get every notification and fail on their own.",
        Needs(rate=50, work=0.3, fan_out=3, effort="none", known_by_team=("rabbitmq",)),
        ("sqs",),
        "A topic in front of three queues, each with its own retries, and no server is run.",
    ),
    Case(
        "services of a shop",
        "Five services hear of each order on the shop's own machines; what was handled may go.",
        Needs(rate=500, work=0.01, fan_out=5, own_machines=True, known_by_team=("rabbitmq",)),
        ("rabbitmq",),
        "A queue for each service, replicated, without history; and the team runs it.",
    ),
)
