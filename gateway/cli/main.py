"""`renzheng`: the command tree. Only names and help texts live here, so that `--help` answers at once.

Every command imports what it needs inside itself: the product takes a second to import, the tree must not.
"""

import typer

from gateway.cli import (
    client,
    config,
    demo,
    department,
    doctor,
    grant,
    keys,
    ledger,
    licenses,
    migrate,
    reference,
    seed,
    serve,
    simulate,
    story,
    user,
)
from gateway.cli.exit_codes import EXIT_CODES_HELP

app = typer.Typer(
    name="renzheng",
    help=(
        "认证 Renzheng: real-name OpenID provider and e-license gateway of a district.\n\n"
        "Examples:\n\n"
        "  renzheng demo                     bring everything up on 127.0.0.1 with simulators\n\n"
        "  renzheng story main               play the main story against the running demo\n\n"
        "  renzheng serve --workers 4        serve with the settings of the environment\n\n"
        "  renzheng ledger verify            check the ledger from the first row to the last\n\n"
        "  renzheng doctor                   find out what is wrong, with the next step\n\n"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("seed")(seed.seed)
app.command("demo")(demo.demo)
app.command("story")(story.story)
app.command("simulate")(simulate.simulate)
app.command("reference")(reference.reference)
app.command("doctor")(doctor.doctor)
app.add_typer(ledger.commands, name="ledger")
app.add_typer(keys.commands, name="keys")
app.add_typer(department.commands, name="department")
app.add_typer(client.commands, name="client")
app.add_typer(user.commands, name="user")
app.add_typer(grant.commands, name="grant")
app.add_typer(licenses.commands, name="license")
app.add_typer(config.commands, name="config")
