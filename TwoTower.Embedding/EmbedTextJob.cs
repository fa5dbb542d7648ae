using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Embedding.Texts;

namespace TwoTower.Embedding;

/// <summary>How far texts are embedded, in videos.</summary>
internal readonly record struct EmbedTextProgress(long Done, long Total);

/// <summary>What an embedding of texts did.</summary>
/// <param name="Name">Name of the vectors.</param>
/// <param name="Dim">Length of a vector.</param>
/// <param name="MaxTokens">Tokens of a text at most.</param>
/// <param name="Pooling">How tokens became one vector.</param>
/// <param name="Embedded">Vectors made now.</param>
/// <param name="Unchanged">Videos whose vector was right already.</param>
/// <param name="WithoutText">Videos without any text, and so without a vector.</param>
/// <param name="Cut">Texts of those made now that were longer than <paramref name="MaxTokens"/>.</param>
/// <param name="Unusable">Texts that the model gives zeros or no numbers for; they have no vector.</param>
/// <param name="Removed">Vectors taken away, because the text is gone.</param>
/// <param name="Notes">What a person should know.</param>
internal sealed record EmbedTextResult(
    string Name, int Dim, int MaxTokens, Pooling Pooling, long Embedded, long Unchanged, long WithoutText, long Cut, long Unusable,
    long Removed, IReadOnlyList<string> Notes);

/// <summary>
/// Makes vectors of the videos' texts with a sentence model and writes them into <c>two_tower.video_features</c>. A second run makes only
/// those whose text or model has changed; one that was stopped is finished by the next.
/// </summary>
internal sealed class EmbedTextJob(NpgsqlDataSource db)
{
    /// <summary>Runs it.</summary>
    /// <param name="progress">Told; null: nobody.</param>
    /// <param name="ct">Stops it; chunks that are committed stay.</param>
    /// <exception cref="InputException">The model, the name or a column can't be used, or row-level security hides videos.</exception>
    public async Task<EmbedTextResult> RunAsync(EmbedTextOptions options, IProgress<EmbedTextProgress>? progress, CancellationToken ct)
    {
        if (!VideoFeatureName.IsValid(options.Name)) throw new InputException($"--name '{options.Name}' is no name of vectors: {VideoFeatureName.Allowed}");
        using var model = TextModel.Load(options, ct);
        var table = await TextVectorTable.OpenAsync(db, options, ct);
        await table.CheckNameAsync(model.Dim, ct);
        var plan = await table.PlanAsync(model.Fingerprint, ct);

        var (embedded, without, cut, removed) = (0L, plan.WithoutText, 0L, 0L);
        var unusable = new List<Guid>();
        foreach (var chunk in plan.ToRemove.Chunk(options.ChunkRows)) removed += await table.WriteAsync([], chunk, model.Fingerprint, ct);
        var done = 0L;
        progress?.Report(new(done, plan.ToEmbed.Count));
        foreach (var chunk in plan.ToEmbed.Chunk(options.ChunkRows))
        {
            var texts = await table.ReadAsync(chunk, model.Form, ct);
            var tokenized = texts.Select(text => (text.VideoId, text.Hash, Tokens: model.Tokenize(text.Text))).ToList();
            var blank = tokenized.Where(text => text.Tokens is null).Select(text => text.VideoId).ToList();
            tokenized.RemoveAll(text => text.Tokens is null);
            var vectors = model.Encode([.. tokenized.Select(text => text.Tokens!.Value.Ids)], options.BatchRows, ct);
            var failed = tokenized.Where((_, n) => vectors[n] is null).Select(text => text.VideoId).ToList();
            List<TextVector> made =
            [
                .. tokenized.Zip(vectors).Where(pair => pair.Second is not null)
                    .Select(pair => new TextVector(pair.First.VideoId, pair.First.Hash, pair.Second!)),
            ];
            removed += await table.WriteAsync(made, [.. blank, .. failed], model.Fingerprint, ct);
            embedded += made.Count;
            without += blank.Count;
            unusable.AddRange(failed);
            cut += tokenized.Count(text => text.Tokens!.Value.IsCut);
            progress?.Report(new(done += chunk.Length, plan.ToEmbed.Count));
        }

        if (embedded + removed > 0) await table.AnalyzeAsync(ct);
        List<string> notes = [];
        if (plan.OfOtherModel > 0)
        {
            notes.Add(
                $"{plan.OfOtherModel} vectors named {options.Name} were of another model or other settings and were made anew: "
                + "a release that reads them was trained on the old ones; train again, or use a new --name next time");
        }

        if (unusable.Count > 0)
        {
            notes.Add($"{unusable.Count} texts have no vector, because the model gives zeros or no numbers for them; the first is that of video {unusable[0]}");
        }

        return new(
            options.Name, model.Dim, model.MaxTokens, model.Pooling, embedded, plan.Unchanged, without, cut, unusable.Count, removed,
            notes);
    }
}
