#!/usr/bin/env python3
"""Writes the censuses of 2020 and 2030 of the invented people that pseudopeople brings (PyPI, BSD-3-Clause) into a folder.

    pip install pseudopeople==1.3.1; benches/peers/census.py DATA_FOLDER

Ten years lie between the two: people have moved, married and died. Of who is in a census twice the first row is kept.
"""
import os, sys
import pseudopeople

for year in (2020, 2030):
    people = pseudopeople.generate_decennial_census(year=year, seed=0).drop_duplicates("simulant_id")
    people = people.rename(columns={"simulant_id": "cluster"}).drop(columns=["household_id", "age", "year"])
    people.insert(0, "unique_id", [f"{year}-{number}" for number in range(len(people))])
    people.to_csv(os.path.join(sys.argv[1], f"census_{year}.csv"), index=False)
