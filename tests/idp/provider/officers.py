"""Officers at work, with the applications of their department: a counter app that they sign in to, and a service behind it."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, select

from idp.people.tables import departments, officers
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.registration.register import ClientRegistration
from idp.signin.sessions import SESSION_COOKIE, Session, session_row
from idp.signin.tables import sessions
from idp.vocabulary import RealNameLevel, SignInStrength
from tests.idp.provider.world import LICENSES, Browser, Person, World

COUNTER_API = "https://counter.gzf.test/api"
ARCHIVE_API = "https://archive.gzf.test/api"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

COUNTER = ClientRegistration(
    client_id="gzf-counter",
    name_zh="公租房受理窗口",
    name_en="Housing counter",
    department_id="housing",
    redirect_uris=("https://gzf.test/cb",),
    scopes=("openid", "profile", "license.lookup"),
    resources=(COUNTER_API, LICENSES),
    grant_types=("authorization_code", TOKEN_EXCHANGE),
    consent="exempt",
    consent_basis="《公共租赁住房管理办法》第八条",
)
BACKEND = ClientRegistration(
    client_id="gzf-backend",
    name_zh="公租房审核服务",
    name_en="Housing review service",
    department_id="housing",
    application_type="service",
    grant_types=("client_credentials", TOKEN_EXCHANGE),
    scopes=("license.lookup",),
    resources=(LICENSES, ARCHIVE_API),
    introspects=(COUNTER_API,),
    consent="exempt",
    consent_basis="《公共租赁住房管理办法》第八条",
)


@dataclass(frozen=True)
class AtWork:
    """An officer with a session of the office."""

    officer_id: str
    person: Person
    session: Session


async def add_officer(world: World, person: Person, *, department_id: str = "housing", number: str = "0001") -> str:
    """Give the person a post in a department, which is made when it is not there."""
    officer_id = world.provider.entropy.identifier()
    async with world.provider.db.transaction() as connection:
        known = await connection.execute(
            select(departments.c.department_id).where(departments.c.department_id == department_id)
        )
        if known.first() is None:
            made = {"department_id": department_id, "slug": department_id, "name_zh": department_id}
            made |= {"name_en": department_id, "uscc": f"{department_id:0<18}"[:18]}
            await connection.execute(insert(departments).values(**made, created_at=world.now))
        await connection.execute(
            insert(officers).values(
                officer_id=officer_id,
                person_id=person.person_id,
                department_id=department_id,
                work_number=number,
                post_zh="受理岗",
                post_en="Intake",
                roles=[],
                status="active",
                created_at=world.now,
            )
        )
    return officer_id


async def open_office(world: World, browser: Browser, person: Person, *, department_id: str = "housing") -> AtWork:
    """Sign the browser in as an officer of the department, with two factors."""
    officer_id = await add_officer(world, person, department_id=department_id)
    entropy = world.provider.entropy
    session = Session(
        session_id=entropy.identifier(),
        kind="staff",
        account_id=person.account_id,
        person_id=person.person_id,
        officer_id=officer_id,
        department_id=department_id,
        auth_time=world.now,
        amr=("pwd", "otp"),
        level=RealNameLevel.MEDIUM,
        strength=SignInStrength.TWO_FACTOR,
        created_at=world.now,
        last_seen_at=world.now,
        expires_at=world.now + timedelta(hours=8),
        user_agent_label="Chrome",
        network="203.0.113",
    )
    token = entropy.token()
    async with world.provider.db.transaction() as connection:
        await connection.execute(insert(sessions).values(session_row(session, token)))
    browser.cookies[SESSION_COOKIE] = token
    return AtWork(officer_id, person, session)
