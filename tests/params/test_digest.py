import pytest

from vreid.params.digest import file_digest


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
)
def test_it_is_the_published_digest(content, digest, tmp_path):
    """The examples of FIPS 180-2, appendix B, and the empty message of NIST's test vectors."""
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file") == digest
