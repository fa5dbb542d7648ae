using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Features;

/// <summary>
/// Everything that the feature path makes of a set of tables, as JSON: the shape of <c>golden/features.json</c> and
/// <c>golden/user_payloads.json</c>, so that another program can be compared number by number. There are no samples here:
/// standardisers are fitted on users with a profile and a decision, and on videos with a decision.
/// </summary>
/// <param name="Features">The text of <c>features.json</c>, UTF-8.</param>
/// <param name="UserPayloads">The text of <c>user_payloads.json</c>, UTF-8.</param>
internal sealed record FeatureReport(byte[] Features, byte[] UserPayloads)
{
    private static readonly JsonWriterOptions Compact =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Indented = Compact with { Indented = true, IndentSize = 1, NewLine = "\n" };

    /// <summary>Computes the report.</summary>
    /// <param name="options">Vocabulary limits, and which vectors from elsewhere.</param>
    /// <param name="asOf">Later decisions don't count; ages are counted to it.</param>
    /// <exception cref="InputException">There is nothing to fit on.</exception>
    public static FeatureReport Create(TableSet tables, FeatureOptions options, DateTimeOffset asOf)
    {
        var users = PayloadBuilder.BuildUsers(tables, asOf, options.MaxDecisions);
        var items = PayloadBuilder.BuildItems(tables);
        var profiles = users.Take(tables.Profiles.Count).ToList();
        var decided = tables.Decisions.Where(decision => decision.CreatedAt <= asOf).Select(decision => decision.VideoId).ToHashSet();
        var pipeline = FeaturePipeline.Fit(
            options,
            items,
            profiles.Where(user => user.DecisionStats.DecisionCount > 0),
            items.Where(item => decided.Contains(item.VideoId)),
            asOf);

        // Users without a profile are there because of a decision; one whose every decision is later has no history to show.
        var shown = users.Where((user, index) => index < profiles.Count || user.DecisionStats.DecisionCount > 0);
        return new(
            Write(Compact, writer => WriteFeatures(writer, options, asOf, pipeline, profiles, items)),
            Write(Indented, writer =>
            {
                writer.WriteStartArray();
                foreach (var user in shown) JsonSerializer.Serialize(writer, user, PayloadJson.Default.UserPayload);
                writer.WriteEndArray();
            }));
    }

    private static void WriteFeatures(
        Utf8JsonWriter writer, FeatureOptions options, DateTimeOffset asOf, FeaturePipeline pipeline,
        List<UserPayload> users, IReadOnlyList<ItemPayload> items)
    {
        var state = pipeline.State;
        writer.WriteStartObject();
        writer.WriteString("as_of", InstantText.Format(asOf));
        if (state.ReferenceReleasedAt is { } newest) writer.WriteString("newest_release", InstantText.Format(newest));
        else writer.WriteNull("newest_release");
        writer.WriteStartObject("vocab_limits");
        writer.WriteNumber("max_tag_vocab", options.MaxTagVocab);
        writer.WriteNumber("min_tag_freq", options.MinTagFreq);
        writer.WriteNumber("max_actress_vocab", options.MaxActressVocab);
        writer.WriteNumber("min_actress_freq", options.MinActressFreq);
        writer.WriteEndObject();
        WriteList(writer, "vocab_tag", state.TagTokens);
        WriteList(writer, "vocab_actress", state.PerformerTokens);
        WriteStandardizers(writer, "user_numeric", state.UserNumeric);
        WriteStandardizers(writer, "item_numeric", state.ItemNumeric);
        if (state.VideoFeatures is { } vectors) WriteVectorStandardizers(writer, vectors);
        writer.WriteString("scaler_fitted_on", "users with a profile and at least one decision; videos with at least one decision");
        WriteList(writer, "user_ids", users.Select(user => user.UserId.ToString()));
        WriteList(writer, "video_ids", items.Select(item => item.VideoId.ToString()));
        WriteRows(writer, "user_raw_numeric", users.Select(user => FeaturePipeline.RawUser(user, asOf)));
        WriteRows(writer, "item_raw_numeric", items.Select(item => FeaturePipeline.RawItem(item, state.ReferenceReleasedAt)));
        WriteVectors(writer, "user_vectors", pipeline.UserDim, users, (user, vector) => pipeline.EncodeUser(user, asOf, vector));
        WriteVectors(writer, "item_vectors", pipeline.ItemDim, items, (item, vector) => pipeline.EncodeItem(item, vector));
        writer.WriteEndObject();
    }

    private static void WriteStandardizers(Utf8JsonWriter writer, string name, IReadOnlyList<NumericStandardizer> standardizers)
    {
        writer.WriteStartObject(name);
        foreach (var (feature, mean, std) in standardizers)
        {
            writer.WriteStartObject(feature);
            writer.WriteNumber("mean", mean);
            writer.WriteNumber("std", std);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteVectorStandardizers(Utf8JsonWriter writer, IReadOnlyList<VectorStandardizer> standardizers)
    {
        writer.WriteStartObject("video_features");
        foreach (var (name, mean, std) in standardizers)
        {
            writer.WriteStartObject(name);
            writer.WriteStartArray("mean");
            foreach (var number in mean) writer.WriteNumberValue(number);
            writer.WriteEndArray();
            writer.WriteNumber("std", std);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    private static void WriteRows(Utf8JsonWriter writer, string name, IEnumerable<double[]> rows)
    {
        writer.WriteStartArray(name);
        foreach (var row in rows)
        {
            writer.WriteStartArray();
            foreach (var number in row) writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteVectors<T>(Utf8JsonWriter writer, string name, int dim, IReadOnlyList<T> payloads, Action<T, float[]> encode)
    {
        var vector = new float[dim];
        writer.WriteStartArray(name);
        foreach (var payload in payloads)
        {
            encode(payload, vector);
            writer.WriteStartArray();
            foreach (var number in vector) writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static byte[] Write(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options)) write(writer);
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
