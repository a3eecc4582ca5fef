# SPDX-License-Identifier: BSD-2-Clause
"""A laboratory: a real identity provider, sshd and syslog on a host that exists for one process."""
