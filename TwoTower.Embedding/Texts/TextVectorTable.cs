using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

namespace TwoTower.Embedding.Texts;

/// <summary>A text of a video.</summary>
/// <param name="Text">In the form that was asked for.</param>
/// <param name="Hash">SHA-256 of the text as it is in the table, in hexadecimal.</param>
internal sealed record VideoText(Guid VideoId, string Text, string Hash);

/// <summary>A vector of a video's text.</summary>
/// <param name="Hash">Of the text, as in <see cref="VideoText"/>.</param>
internal sealed record TextVector(Guid VideoId, string Hash, float[] Vector);

/// <summary>What there is to do for a name.</summary>
/// <param name="ToEmbed">Videos whose text has changed, or that lack a vector.</param>
/// <param name="ToRemove">Videos with a vector whose text is gone.</param>
/// <param name="Unchanged">Videos whose vector is as it would be made now.</param>
/// <param name="WithoutText">Videos without any text.</param>
/// <param name="OfOtherModel">Those of <paramref name="ToEmbed"/> that have a vector of another model or other settings.</param>
internal sealed record TextPlan(
    IReadOnlyList<Guid> ToEmbed, IReadOnlyList<Guid> ToRemove, long Unchanged, long WithoutText, long OfOtherModel);

/// <summary>Texts of <c>videos</c>, and the vectors of <c>two_tower.video_features</c> that are made of them under one name.</summary>
internal sealed class TextVectorTable
{
    private readonly NpgsqlDataSource _db;
    private readonly EmbedTextOptions _options;
    private readonly string _text;

    private TextVectorTable(NpgsqlDataSource db, EmbedTextOptions options, IReadOnlyList<string> columns)
    {
        _db = db;
        _options = options;
        _text = $"concat_ws(' ', {string.Join(", ", columns.Select(column => $"v.{column}::text"))})";
    }

    /// <summary>Checks the columns and the database's encoding.</summary>
    /// <exception cref="InputException">A column is missing or isn't text, or texts aren't in Unicode.</exception>
    public static async Task<TextVectorTable> OpenAsync(NpgsqlDataSource db, EmbedTextOptions options, CancellationToken ct)
    {
        var encoding = await db.Sql("select pg_encoding_to_char(encoding)::text from pg_database where datname = current_database()").ScalarAsync<string>(ct);
        if (encoding != "UTF8") throw new InputException($"the database is encoded in {encoding}; texts are read in UTF8: copy the tables into a database with encoding 'UTF8'");
        var there = await db.Sql(
            """
            select a.attname::text as name, quote_ident(a.attname) as quoted, format_type(a.atttypid, a.atttypmod) as type, t.typcategory = 'S' as is_text
            from pg_attribute a join pg_type t on t.oid = a.atttypid
            where a.attrelid = 'public.videos'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
            """)
            .ListAsync(row => (Name: row.Get<string>("name"), Quoted: row.Get<string>("quoted"), Type: row.Get<string>("type"), IsText: row.Get<bool>("is_text")), ct);
        if (options.Columns.Count == 0) throw new InputException("--columns names no column; title,description is what is read without it");
        var quoted = new List<string>();
        foreach (var wanted in options.Columns)
        {
            if (there.Find(column => column.Name == wanted) is { Name: not null, IsText: true } column) quoted.Add(column.Quoted);
            else
            {
                var why = there.Find(column => column.Name == wanted) is { Name: not null } other ? $"public.videos.{wanted} is {other.Type}, no text" : $"public.videos has no column {wanted}";
                throw new InputException($"--columns {wanted}: {why}; its texts are {string.Join(", ", there.Where(one => one.IsText).Select(one => one.Name))}");
            }
        }

        return new(db, options, quoted);
    }

    /// <summary>Refuses a name whose vectors have another length, or were made elsewhere.</summary>
    /// <param name="dim">Length of the vectors to come.</param>
    /// <exception cref="InputException">They have, or were.</exception>
    public async Task CheckNameAsync(int dim, CancellationToken ct)
    {
        var found = await _db.Sql(
            """
            select coalesce((select n.dim from two_tower.video_feature_names n where n.name = @name), 0) as dim,
                (select count(*) from two_tower.video_features f where f.name = @name and not exists (
                    select from two_tower.text_vectors t where t.video_id = f.video_id and t.name = f.name)) as foreign_vectors
            """)
            .With("name", _options.Name)
            .SingleAsync(row => (Dim: row.Get<int>("dim"), Foreign: row.Get<long>("foreign_vectors")), ct);
        if (found.Dim > 0 && found.Dim != dim)
        {
            throw new InputException(
                $"vectors named {_options.Name} have {found.Dim} numbers, this model's have {dim}: give another --name, "
                + $"or delete the name first (delete from two_tower.video_feature_names where name = '{_options.Name}')");
        }

        if (found.Foreign > 0 && !_options.Replace)
        {
            throw new InputException(
                $"{Amounts.Count(found.Foreign)} vectors named {_options.Name} weren't made by embed-text: give another --name, or --replace to make them anew");
        }
    }

    /// <summary>Compares all videos' texts with what their vectors were made of.</summary>
    /// <param name="model">Fingerprint of the model.</param>
    /// <exception cref="InputException">Row-level security hides videos.</exception>
    public Task<TextPlan> PlanAsync(string model, CancellationToken ct) => WholeTables.ReadAsync(_db, ["videos"], async connection =>
    {
        var (embed, remove, unchanged, without, other) = (new List<Guid>(), new List<Guid>(), 0L, 0L, 0L);
        var rows = connection.Sql(
            $"""
            select v.id, x.raw !~ '[^[:space:]]' as is_blank, f.video_id is not null as has_vector,
                coalesce(t.text_hash = sha256(convert_to(@prefix || x.raw, 'UTF8')), false) as same_text, coalesce(t.model_hash = decode(@model, 'hex'), false) as same_model,
                t.video_id is not null as is_ours
            from public.videos v
            cross join lateral (select {_text} as raw) x
            left join two_tower.video_features f on f.video_id = v.id and f.name = @name
            left join two_tower.text_vectors t on t.video_id = v.id and t.name = @name
            where v.id is not null
            order by v.id
            """)
            .With("prefix", _options.Prefix).With("model", model).With("name", _options.Name)
            .StreamAsync(row => (
                Id: row.Get<Guid>("id"), IsBlank: row.Get<bool>("is_blank"), HasVector: row.Get<bool>("has_vector"), IsOurs: row.Get<bool>("is_ours"),
                SameText: row.Get<bool>("same_text"), SameModel: row.Get<bool>("same_model")), ct);
        await foreach (var row in rows)
        {
            if (row.IsBlank)
            {
                without++;
                if (row.HasVector) remove.Add(row.Id);
            }
            else if (row is { HasVector: true, SameText: true, SameModel: true }) unchanged++;
            else
            {
                embed.Add(row.Id);
                if (row is { IsOurs: true, SameModel: false }) other++;
            }
        }

        return new TextPlan(embed, remove, unchanged, without, other);
    }, ct);

    /// <summary>The texts of those of the videos that are there and have any.</summary>
    /// <exception cref="InputException">Row-level security hides videos.</exception>
    public Task<List<VideoText>> ReadAsync(Guid[] videoIds, TextForm form, CancellationToken ct) => WholeTables.ReadAsync(_db, ["videos"], connection =>
        connection.Sql(
            $"""
            select v.id, {(form == TextForm.AsIs ? "x.whole" : $"normalize(x.whole, {form.ToString().ToUpperInvariant()})")} as text,
                encode(sha256(convert_to(x.whole, 'UTF8')), 'hex') as hash
            from public.videos v cross join lateral (select @prefix || {_text} as whole) x
            where v.id = any (@ids) and {_text} ~ '[^[:space:]]'
            """)
            .With("ids", videoIds).With("prefix", _options.Prefix)
            .ListAsync(row => new VideoText(row.Get<Guid>("id"), row.Get<string>("text"), row.Get<string>("hash")), ct), ct);

    /// <summary>Writes vectors and takes others away, all of it or nothing. A video that is deleted meanwhile is left out.</summary>
    /// <param name="vectors">The vectors of the name, each of length 1.</param>
    /// <param name="without">Videos that have none now.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <returns>Vectors taken away.</returns>
    public Task<int> WriteAsync(IReadOnlyList<TextVector> vectors, Guid[] without, string model, CancellationToken ct) =>
        WholeTables.UntimedAsync(_db, connection => WriteAsync(connection, vectors, without, model, ct), ct);

    private async Task<int> WriteAsync(
        NpgsqlConnection connection, IReadOnlyList<TextVector> vectors, Guid[] without, string model, CancellationToken ct)
    {
        var removed = without.Length == 0 ? 0 : await connection.Sql(
            "delete from two_tower.video_features where name = @name and video_id = any (@ids)")
            .With("name", _options.Name).With("ids", without).ExecuteAsync(ct);
        if (vectors.Count == 0) return removed;
        var staging = await Staging.CreateAsync(
            connection, "video_features", [new("video_id", "uuid"), new("text_hash", "text"), new("vector", "real[]")], ct, schema: "two_tower");
        await staging.CopyAsync(vectors, static (writer, row) =>
        {
            writer.Write(row.VideoId);
            writer.Write(row.Hash);
            writer.Write(row.Vector);
        }, null, ct);
        // The record comes after the vector: a change of a vector deletes what is recorded of it (two_tower.forget_text_vector).
        await connection.Sql(
            $"""
            insert into two_tower.video_features as f (video_id, name, vector)
            select s.video_id, @name, {staging.Cast("vector")} from {staging.Table} s join public.videos v on v.id = s.video_id
            on conflict (video_id, name) do update set vector = excluded.vector
            where f.vector::real[] is distinct from excluded.vector::real[];

            insert into two_tower.text_vectors (video_id, name, text_hash, model_hash)
            select s.video_id, @name, decode(s.text_hash, 'hex'), decode(@model, 'hex')
            from {staging.Table} s join two_tower.video_features f on f.video_id = s.video_id and f.name = @name
            on conflict (video_id, name) do update set text_hash = excluded.text_hash, model_hash = excluded.model_hash
            """)
            .With("name", _options.Name).With("model", model).ExecuteAsync(ct);
        return removed;
    }

    /// <summary>Tells the planner.</summary>
    public Task AnalyzeAsync(CancellationToken ct) => _db.Sql("analyze two_tower.video_features, two_tower.text_vectors").ExecuteAsync(ct);
}
