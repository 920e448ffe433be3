from hypothesis import given
from hypothesis import strategies as st

from meshctl.catalog.edit import hello_text, mesh_text, service_text
from meshctl.catalog.files import EDITIONS, MeshFile
from meshctl.catalog.service import Service
from meshctl.catalog.source import read_source


def test_a_new_service_is_short() -> None:
    text = service_text(
        "web", port=8081, endpoints=["127.0.0.1:9002", "[::1]:80"], uses=["users"], protocol="http"
    )
    assert text == (
        'service: web\nprotocol: http\nport: 8081\nendpoints: [127.0.0.1:9002, "[::1]:80"]\nuses: [users]\n'
    )
    assert read_source("t/web.yaml", text.encode()).problems == ()


def test_a_new_mesh_and_its_first_service_are_right() -> None:
    mesh = read_source("mesh.yaml", mesh_text("example", EDITIONS[-1]).encode()).entry
    assert isinstance(mesh, MeshFile)
    assert mesh.name == "example"
    assert read_source("team/hello.yaml", hello_text().encode()).problems == ()


@given(st.text(min_size=1, max_size=60, alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_description_reads_back_as_it_was_given(description: str) -> None:
    text = service_text("web", port=1, endpoints=[], description=description)
    entry = read_source("t/web.yaml", text.encode()).entry
    assert isinstance(entry, Service)
    assert entry.description == description


@given(st.lists(st.text(max_size=20, alphabet=st.characters(exclude_categories=["Cs"])), max_size=3))
def test_wrong_values_are_told_when_they_are_read_back(endpoints: list[str]) -> None:
    source = read_source("t/web.yaml", service_text("web", port=1, endpoints=endpoints).encode())
    assert all(problem.code.code.startswith("MSH02") for problem in source.problems)
