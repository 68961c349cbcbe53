# SPDX-License-Identifier: MIT OR Apache-2.0
"""A GameStream client for tests, independent of the host.

Written from the protocol's description alone. It shares no code and no constant
with the host, so that a mistake both could make shows here. Python's standard
library and python3-cryptography; IPv4 only."""
