"""Tags: what a client knows is not sent again, and what it must not see of others is not kept."""

import httpx


async def made(admin: httpx.AsyncClient, name: str = "Ada") -> httpx.Response:
    return await admin.post("/api/v1/people", json={"fullName": name})


async def test_one_object_has_a_tag_that_follows_the_row(admin: httpx.AsyncClient) -> None:
    """The tag of the creation is that of the read; known, it is a 304 without a body; after an edit it is not known."""
    created = await made(admin)
    url = created.headers["Location"]
    assert url == f"/api/v1/people/{created.json()['data']['id']}"
    read = await admin.get(url)
    tag = read.headers["ETag"]
    assert tag == created.headers["ETag"]
    assert not tag.startswith("W/")
    assert read.headers["Cache-Control"] == "private, no-cache"
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await admin.get(url, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b""), given
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "private, no-cache"
    edited = await admin.put(url, json={"fullName": "Ada L."}, headers={"If-Match": tag})
    assert edited.headers["ETag"] != tag
    assert (await admin.get(url, headers={"If-None-Match": tag})).status_code == 200


async def test_a_list_has_a_weak_tag_of_its_content(admin: httpx.AsyncClient) -> None:
    """The same list is a 304; one more in it, or another page of it, is not."""
    await made(admin)
    tag = (await admin.get("/api/v1/people")).headers["ETag"]
    assert tag.startswith('W/"')
    assert (await admin.get("/api/v1/people", headers={"If-None-Match": tag})).status_code == 304
    assert (await admin.get("/api/v1/people?page=2", headers={"If-None-Match": tag})).status_code == 200
    await made(admin, "Bea")
    assert (await admin.get("/api/v1/people", headers={"If-None-Match": tag})).status_code == 200


async def test_what_is_kept_is_kept_for_one(admin: httpx.AsyncClient) -> None:
    """A cache may not give the answer to somebody else, nor packed to who cannot unpack it."""
    for number in range(9):
        await made(admin, f"Person {number}")
    varies = {one.strip() for one in (await admin.get("/api/v1/people")).headers["Vary"].split(",")}
    assert varies == {"Authorization", "Cookie", "Accept-Encoding"}


async def test_what_has_no_tag_is_not_stored(admin: httpx.AsyncClient) -> None:
    """Answers to changes, and errors."""
    created = await made(admin)
    assert created.headers["Cache-Control"] == "no-store"
    assert (await admin.get("/api/v1/people/none")).headers["Cache-Control"] == "no-store"


async def test_a_camera_shows_news_though_its_row_is_old(admin: httpx.AsyncClient) -> None:
    """Its state is not in its row: the tag is of what is shown, and the edit of the row by it still passes."""
    form = {"name": "Door", "kind": "push", "enabled": False}
    url = (await admin.post("/api/v1/cameras", json=form)).headers["Location"]
    before = (await admin.get(url)).headers["ETag"]
    row = f'{before.partition("-")[0]}-0000000000000000"'
    assert (await admin.get(url, headers={"If-None-Match": row})).status_code == 200
    assert (await admin.put(url, json={"name": "Gate"}, headers={"If-Match": row})).status_code == 200
    assert (await admin.put(url, json={"name": "Hall"}, headers={"If-Match": row})).status_code == 412
