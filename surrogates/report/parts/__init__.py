"""Parts of pages by subject: trust, instance, effects, origin, rule, statements, many."""
