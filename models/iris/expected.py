#!/usr/bin/env python3
"""What scikit-learn answers: expected.py IRIS_CSV > tests/data/iris/expected.csv

Trains SVC(gamma=0.001, C=100) on the first 149 rows and classifies all 150 rows, a grid that reaches far outside the
data, points near the data, and the ends of what a double can hold. Needs scikit-learn (made with 1.9.1); the tests only
read its output.
"""
import csv
import itertools
import random
import sys

from sklearn.svm import SVC

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def rows(path):
    with open(path, newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            yield [float(row[name]) for name in FEATURES], row["species"]


def points():
    # The data spans 4.3-7.9, 2.0-4.4, 1.0-6.9 and 0.1-2.5 cm.
    yield from itertools.product((-20.0, 0.0, 4.0, 5.0, 6.0, 7.0, 9.0, 40.0), (-20.0, 0.0, 2.0, 3.0, 4.0, 8.0, 40.0),
                                 (-20.0, 0.0, 1.5, 3.0, 4.5, 6.0, 12.0, 40.0), (-20.0, 0.0, 0.5, 1.0, 1.5, 2.0, 5.0, 40.0))
    near = random.Random(1936)
    for _ in range(3000):
        yield [round(near.uniform(low, high), 2) for low, high in ((4.0, 8.2), (1.8, 4.6), (0.8, 7.2), (0.0, 2.7))]
    yield from itertools.product((-1.7976931348623157e308, -1000.0, -0.0, 5e-324, 1e154), repeat=4)


def main():
    data = list(rows(sys.argv[1]))
    inputs = [features for features, _ in data]
    svc = SVC(gamma=0.001, C=100).fit(inputs[:149], [species for _, species in data[:149]])
    inputs += [list(point) for point in points()]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow((*FEATURES, "species"))
    for features, species in zip(inputs, svc.predict(inputs)):
        writer.writerow((*map(repr, features), species))


main()
