"""Free ports."""

import socket

from meshctl.verify.ports import free_ports


def test_no_port_is_given_twice_by_one_process() -> None:
    # Of some 14,000 that the system chooses from at random, so that twins are certain without a memory.
    ports = [port for _ in range(20) for port in free_ports(50)]
    assert len(set(ports)) == 1_000


def test_ports_of_one_batch_differ_and_can_be_bound() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
