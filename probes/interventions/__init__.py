"""M → M′: modified models made from a model, each an ordinary model with an identity of its own."""
