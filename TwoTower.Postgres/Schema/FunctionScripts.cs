using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>
/// The functions of <c>sql/functions</c> in a database. Ours carry a comment that begins with "TwoTower" and has the checksum of the text
/// they were made from; a function without it is theirs and is never replaced.
/// </summary>
internal static class FunctionScripts
{
    internal const string Mark = "TwoTower";

    private enum State
    {
        Current,
        Missing,
        Outdated,
        Foreign,
    }

    public static async Task<(IReadOnlyList<string> Applied, IReadOnlyList<string> Foreign)> ApplyAsync(
        NpgsqlConnection connection, Action<string>? say, CancellationToken ct)
    {
        List<string> applied = [], foreign = [];
        var vectorSchema = await Migrator.UseVectorSchemaAsync(connection, ct)
            ?? throw new InvalidOperationException("pgvector isn't installed after the migrations.");

        // Functions call each other: their bodies are checked once all of them are there.
        await Migrator.ExecuteAsync(connection, "set local check_function_bodies = off", ct);
        foreach (var function in SqlScript.Functions)
        {
            switch (await StateAsync(connection, function, ct))
            {
                case State.Foreign:
                    say?.Invoke($"left {function.Signature} as it is: it was there before and isn't ours");
                    foreign.Add(function.Signature);
                    break;
                case State.Missing or State.Outdated:
                    await Migrator.ExecuteAsync(connection, function.For(vectorSchema), ct);
                    await Migrator.ExecuteAsync(connection, $"comment on function {function.Signature} is '{Comment(function)}'", ct);
                    say?.Invoke($"made function {function.Signature}");
                    applied.Add(function.Signature);
                    break;
                default:
                    break;
            }
        }

        return (applied, foreign);
    }

    public static async Task<(IReadOnlyList<string> Missing, IReadOnlyList<string> Outdated, IReadOnlyList<string> Foreign)> StatusAsync(
        NpgsqlConnection connection, CancellationToken ct)
    {
        List<string> missing = [], outdated = [], foreign = [];
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (await Migrator.UseVectorSchemaAsync(connection, ct) is null)
        {
            return ([.. SqlScript.Functions.Select(function => function.Signature)], [], []);
        }

        foreach (var function in SqlScript.Functions)
        {
            var state = await StateAsync(connection, function, ct);
            if (state == State.Missing) missing.Add(function.Signature);
            if (state == State.Outdated) outdated.Add(function.Signature);
            if (state == State.Foreign) foreign.Add(function.Signature);
        }

        return (missing, outdated, foreign);
    }

    internal static string Comment(SqlScript function) =>
        $"{Mark}: sql/functions/{function.Name}, sha256 {function.Checksum}. Replaced when that file changes.";

    private static async Task<State> StateAsync(NpgsqlConnection connection, SqlScript function, CancellationToken ct)
    {
        // to_regprocedure is null for an unknown function, and also where a type of its signature isn't there yet.
        var found = await connection.Sql(
            """
            select to_regprocedure(@ours) is not null as is_there, obj_description(to_regprocedure(@ours), 'pg_proc') as comment,
              to_regprocedure(@theirs) is not null
                and coalesce(obj_description(to_regprocedure(@theirs), 'pg_proc'), '') not like @mark || '%' as is_foreign
            """)
            .With("ours", function.Signature).With("theirs", function.YieldsTo ?? "").With("mark", Mark)
            .SingleAsync(row => new
            {
                IsThere = row.Get<bool>("is_there"),
                Comment = row.GetOrNull<string>("comment") ?? "",
                IsForeign = row.Get<bool>("is_foreign"),
            }, ct);
        if (found.IsForeign) return State.Foreign;
        if (!found.IsThere) return State.Missing;
        if (!found.Comment.StartsWith(Mark, StringComparison.Ordinal)) return State.Foreign;
        return found.Comment == Comment(function) ? State.Current : State.Outdated;
    }
}
