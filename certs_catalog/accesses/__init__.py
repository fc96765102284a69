"""用证留痕: every use of a license as its holder, and as the officer who made it, may see it."""
