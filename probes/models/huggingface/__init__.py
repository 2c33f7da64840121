"""Language models and classifiers of transformers; torch is imported when one is passed in."""
