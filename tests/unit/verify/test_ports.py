"""Free ports."""

import socket

from meshctl.verify.ports import free_ports


def test_ports_of_one_batch_differ_and_can_be_bound() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
