#!/usr/bin/env python3
"""Recipe v3's training in PyTorch: the same arithmetic, stage by stage, for a comparison of speed (docs/performance.md).

Reads a folder of table CSVs and prints seconds by stage. It writes nothing and no release comes of it.

    python3 benchmarks/pytorch/histories.py DIR [--threads 2] [--epochs 10]

Debian: apt install python3-torch python3-numpy libopenblas0-pthread
"""

import argparse
import collections
import csv
import gzip
import math
import os
import time

import torch

# recipes/v3.json
RIDGE, NOPE_TARGET, USER_WEIGHT, CONTENT_WEIGHT, TOKEN_SHARE = 350.0, 0.3, 0.5, 130.0, 0.02
FACTORS, FACTORS_REG, UNOBSERVED, SWEEPS, TASTE, TASTE_REG = 128, 0.012, 0.05, 8, 32, 6.0
FACTORS_SHARE, TASTE_WEIGHT, DISCOUNT, HEAD_WEIGHT, COPIES, RANK = 0.6, 1.3, 0.7, 0.5, 8, 511
SMOOTHING, HIDDEN, LR, WEIGHT_DECAY, BATCH, CONTENT_RIDGE = 10.0, 512, 0.002, 0.01, 256, 3.0


def rows(folder, name):
    for path in (os.path.join(folder, name + ".csv"), os.path.join(folder, name + ".csv.gz")):
        if os.path.exists(path):
            opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
            with opened as file:
                yield from csv.DictReader(file)
            return


class Stages:
    def __init__(self):
        self.seconds = {}

    def run(self, name, work):
        started = time.perf_counter()
        result = work()
        self.seconds[name] = time.perf_counter() - started
        print(f"| {name} | {self.seconds[name]:.1f} |", flush=True)
        return result


def incidence(lists, items):
    matrix = torch.zeros(len(lists), items)
    for row, chosen in enumerate(lists):
        matrix[row, chosen] = 1
    return matrix


def linear_model(users, content, items):
    z = torch.cat([incidence([likes for likes, _ in users], items), incidence([nopes for _, nopes in users], items)], 1)
    weight = (z.sum(1) + 5) ** -USER_WEIGHT
    gram = (z * (weight / weight.mean())[:, None]).t() @ z
    gram[:items, :items] += CONTENT_WEIGHT * (content @ content.t())
    gram.diagonal().add_(RIDGE)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    a, d, b = inverse.diagonal()[:items], inverse.diagonal()[items:], inverse[:items, items:].diagonal()
    determinant = a * d - b * b
    weights = inverse[:, :items] * (-(d + b * NOPE_TARGET) / determinant) + inverse[:, items:] * ((b + a * NOPE_TARGET) / determinant)
    index = torch.arange(items)
    weights[index, index] = 0
    weights[items + index, index] = 0
    return weights


def solve_side(other, lists, labels, gram, ridge, batch=256):
    """Ridge regressions of labels on the rows of other that each list names, batched by length."""
    dim = other.shape[1]
    result = torch.zeros(len(lists), dim)
    padded = torch.cat([other, torch.zeros(1, dim)])
    order = sorted(range(len(lists)), key=lambda row: len(lists[row]))
    for first in range(0, len(order), batch):
        chosen = order[first:first + batch]
        longest = max(1, max(len(lists[row]) for row in chosen))
        index = torch.full((len(chosen), longest), len(other), dtype=torch.long)
        y = torch.zeros(len(chosen), longest)
        for place, row in enumerate(chosen):
            index[place, :len(lists[row])] = lists[row]
            y[place, :len(lists[row])] = labels[row]
        x = padded[index]
        matrix = x.transpose(1, 2) @ x
        if gram is not None:
            matrix += gram
        matrix.diagonal(dim1=1, dim2=2).add_(torch.tensor([ridge(len(lists[row])) for row in chosen])[:, None])
        right = (x * y[:, :, None]).sum(1)
        result[chosen] = torch.cholesky_solve(right[:, :, None], torch.linalg.cholesky(matrix))[:, :, 0]
    return result


def factors(lists, items):
    by_item = [[] for _ in range(items)]
    for row, chosen in enumerate(lists):
        for item in chosen:
            by_item[item].append(row)
    sides = [[torch.tensor(one, dtype=torch.long) for one in side] for side in (lists, by_item)]
    ones = [[torch.ones(len(one)) for one in side] for side in sides]
    vectors = torch.randn(items, FACTORS) * 0.1 / FACTORS ** 0.5

    def half(other, side, size):
        return solve_side(other, sides[side], ones[side], UNOBSERVED * (other.t() @ other), lambda n: FACTORS_REG * (n + UNOBSERVED * size))

    for _ in range(SWEEPS):
        users = half(vectors, 0, items)
        vectors = half(users, 1, len(lists))
    return vectors


def fold_in(vectors, histories):
    lists = [torch.tensor(likes, dtype=torch.long) for likes, _ in histories]
    gram = UNOBSERVED * (vectors.t() @ vectors)
    users = solve_side(vectors, lists, [torch.ones(len(one)) for one in lists], gram, lambda n: FACTORS_REG * (n + UNOBSERVED * len(vectors)))
    return users @ vectors.t()


def decided(histories, mean):
    lists = [torch.tensor(likes + nopes, dtype=torch.long) for likes, nopes in histories]
    labels = [torch.cat([torch.ones(len(likes)), torch.zeros(len(nopes))]) - mean for likes, nopes in histories]
    return lists, labels


def taste_factors(users, items):
    liked, total = sum(len(likes) for likes, _ in users), sum(len(likes) + len(nopes) for likes, nopes in users)
    mean = liked / total
    lists, labels = decided(users, mean)
    by_item, item_labels = [[] for _ in range(items)], [[] for _ in range(items)]
    for row, (chosen, label) in enumerate(zip(lists, labels)):
        for item, value in zip(chosen.tolist(), label.tolist()):
            by_item[item].append(row)
            item_labels[item].append(value)
    by_item = [torch.tensor(one, dtype=torch.long) for one in by_item]
    item_labels = [torch.tensor(one) for one in item_labels]
    vectors = torch.randn(items, TASTE) * 0.1
    bias = torch.tensor([(float(one.sum()) + mean * len(one) + 20 * mean) / (len(one) + 20) - mean for one in item_labels])
    for _ in range(SWEEPS):
        people = half_taste(vectors, bias, lists, labels)
        solution = half_taste(people[:, :TASTE], people[:, TASTE], by_item, item_labels)
        vectors, bias = solution[:, :TASTE], solution[:, TASTE]
    return vectors, bias, mean


def half_taste(vectors, bias, lists, labels):
    x = torch.cat([vectors, torch.ones(len(vectors), 1)], 1)
    return solve_side(x, lists, [label - bias[chosen] for chosen, label in zip(lists, labels)], None, lambda n: TASTE_REG)


def thin(items, kept):
    return [item for item, draw in zip(items, torch.rand(len(items)).tolist()) if draw < kept]


def standardized(scores):
    scores = scores - scores.mean(1, keepdim=True)
    return scores / scores.std(1, unbiased=False, keepdim=True).clamp_min(1e-9)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    stages = Stages()

    decisions = {}
    for row in rows(options.folder, "user_video_decisions"):
        decisions.setdefault(row["user_id"], {})[row["video_id"]] = row["decision_type"] == "like"
    liked = sorted({video for chosen in decisions.values() for video, like in chosen.items() if like})
    number = {video: item for item, video in enumerate(liked)}
    items = len(liked)
    users = []
    for chosen in decisions.values():
        known = [(number[video], like) for video, like in chosen.items() if video in number]
        users.append(([item for item, like in known if like], [item for item, like in known if not like]))
    tokens = collections.defaultdict(set)
    for table, name in (("video_tags", "tag_name"), ("video_performers", "performer_name")):
        for row in rows(options.folder, table):
            if row["video_id"] in number:
                tokens[name + row[name]].add(number[row["video_id"]])
    content = torch.zeros(items, len(tokens))
    for column, having in enumerate(tokens.values()):
        content[list(having), column] = math.log(items / len(having))
    content /= content.norm(dim=1, keepdim=True).clamp_min(1e-9)
    groups = [sorted(having) for having in tokens.values() if 2 <= len(having) <= TOKEN_SHARE * items]
    print(f"{len(users)} users, {items} items, {sum(len(a) + len(b) for a, b in users)} decisions, {options.threads} threads", flush=True)

    with torch.no_grad():
        weights = stages.run("linear model", lambda: linear_model(users, content, items))
        vectors = stages.run("factors", lambda: factors([likes for likes, _ in users] + groups, items))
        taste, bias, mean = stages.run("taste factors", lambda: taste_factors(users, items))
        popularity = torch.zeros(items)
        for likes, _ in users:
            popularity[likes] += 1
        popularity = torch.log(popularity + 10)
        popularity = (popularity - popularity.mean()) / popularity.std(unbiased=False)

        def score(histories):
            both = torch.cat([incidence([likes for likes, _ in histories], items), incidence([nopes for _, nopes in histories], items)], 1)
            lists, labels = decided(histories, mean)
            people = half_taste(taste, bias, lists, labels)
            probability = people[:, :TASTE] @ taste.t() + bias + people[:, TASTE:] + mean
            result = (1 - FACTORS_SHARE) * standardized(both @ weights) + FACTORS_SHARE * standardized(fold_in(vectors, histories))
            result += TASTE_WEIGHT * torch.log(probability.clamp(0.05, 1.2)) - DISCOUNT * popularity
            return result - result.mean(1, keepdim=True)

        def lessons():
            usable = [user for user in users if len(user[0]) >= 3]
            gram, heads = torch.zeros(items, items), torch.zeros(items)
            for first in range(0, len(usable), 512):
                block = score(usable[first:first + 512])
                gram += block.t() @ block
                for row, (likes, nopes) in zip(block, usable[first:first + 512]):
                    row[likes + nopes] = -torch.inf
                heads += torch.bincount(block.topk(100).indices.flatten(), minlength=items)
            root = (heads / heads.mean() + 0.05).pow(HEAD_WEIGHT / 2)[:, None]
            gram *= root * root.t()
            space = torch.linalg.qr(torch.randn(items, min(items, RANK + 48)))[0]
            for _ in range(12):
                space = torch.linalg.qr(gram @ space)[0]
            basis = space @ torch.linalg.eigh((space.t() @ gram @ space).double())[1].flip(1)[:, :RANK].float()
            basis, projection = basis / root, basis * root
            histories = list(usable)
            for copy in range(1, COPIES):
                for user in usable:
                    kept, taken = 0.3 + 0.7 * torch.rand(()).item(), 0.1 + 0.5 * torch.rand(()).item()
                    other = usable[torch.randint(len(usable), ()).item()] if copy % 2 == 1 else ([], [])
                    own = set(user[0]) | set(user[1])
                    mixed = [thin(mine, kept) + [item for item in thin(theirs, taken) if item not in own] for mine, theirs in zip(user, other)]
                    histories.append(tuple(mixed) if len(mixed[0]) >= 3 else user)
            targets = torch.cat([score(histories[first:first + 512]) @ projection for first in range(0, len(histories), 512)])
            side = torch.cat([taste, bias[:, None], taste * bias[:, None]], 1)
            liked_basis = torch.cat([weights[:items] @ projection, vectors, side], 1)
            noped_basis = torch.cat([weights[items:] @ projection, side], 1)

            def pool(one, other):
                blocks = []
                for first in range(0, len(histories), 512):
                    block = histories[first:first + 512]
                    size = torch.tensor([[len(likes) + len(nopes) + SMOOTHING] for likes, nopes in block])
                    sums = [incidence([likes for likes, _ in block], items) @ one, incidence([nopes for _, nopes in block], items) @ other]
                    blocks.append(torch.cat(sums, 1) / size)
                return torch.cat(blocks)

            x = pool(liked_basis, noped_basis)
            center, deviation, target = x.mean(0), x.std(0, unbiased=False).clamp_min(1e-12), targets.mean(0)
            x = (x - center) / deviation
            normal = (x.t() @ x).double() + 1e-3 * len(x) * torch.eye(x.shape[1], dtype=torch.float64)
            solution = torch.linalg.solve(normal, (x.t() @ (targets - target)).double()).float() / deviation[:, None]
            width = liked_basis.shape[1]
            liked_vectors, noped_vectors = liked_basis @ solution[:width], noped_basis @ solution[width:]
            return basis, targets, liked_vectors, noped_vectors, target - center @ solution, pool(liked_vectors, noped_vectors)

        basis, targets, liked_vectors, noped_vectors, offset, pooled = stages.run("lessons", lessons)

    def epochs():
        count = len(pooled)
        linear = pooled[:, :RANK] + pooled[:, RANK:] + offset
        x, scale = pooled / pooled.std(), targets.std()
        first, second = torch.nn.Linear(2 * RANK, HIDDEN), torch.nn.Linear(HIDDEN, RANK)
        torch.nn.init.uniform_(second.weight, -0.1 / HIDDEN ** 0.5, 0.1 / HIDDEN ** 0.5)
        parameters = [*first.parameters(), *second.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=LR, weight_decay=WEIGHT_DECAY)
        train = torch.randperm(count)[count // 10:]
        steps, step = options.epochs * math.ceil(len(train) / BATCH), 0
        for _ in range(options.epochs):
            for batch in train[torch.randperm(len(train))].split(BATCH):
                step += 1
                for group in optimizer.param_groups:
                    group["lr"] = LR * min(1, step / 30) * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)
                answer = second(torch.relu(first(x[batch]))) * scale + linear[batch]
                target = targets[batch]
                loss = ((answer - target).square().sum(1) / target.square().sum(1).clamp_min(1e-12)).mean()
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 5.0)
                optimizer.step()
        return loss.item(), len(train)

    loss, samples = stages.run("epochs", epochs)

    def item_vectors():
        with torch.no_grad():
            features = content * content.shape[1] ** 0.5
            embedding = basis / basis.norm(dim=1).max()
            rest = (1 - embedding.square().sum(1, keepdim=True)).clamp_min(0).sqrt()
            y = torch.cat([embedding, rest, liked_vectors, noped_vectors], 1)
            gram = (features @ features.t()).double() + CONTENT_RIDGE * torch.eye(items, dtype=torch.float64)
            dual = torch.linalg.solve(gram, y.double()).float()
            return y - features @ (dual.t() @ features).t()

    stages.run("item vectors", item_vectors)
    print(f"| all | {sum(stages.seconds.values()):.1f} |")
    print(f"last loss {loss:.4f}; epochs: {options.epochs * samples / stages.seconds['epochs']:,.0f} histories/s")


if __name__ == "__main__":
    main()
