using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Features;

public class FeatureReportTests
{
    private static readonly FeatureOptions Limits = new() { MaxTagVocab = 20, MinTagFreq = 3, MaxActressVocab = 12, MinActressFreq = 2 };

    [Fact]
    public void The_report_of_the_golden_tables_is_the_golden_features_file()
    {
        var report = FeatureReport.Create(Golden.Tables, Limits, Golden.AsOf);
        using var actual = JsonDocument.Parse(report.Features);
        AssertSame(Golden.Features, actual.RootElement, "$");
    }

    [Fact]
    public void Its_payloads_are_the_golden_ones_in_the_golden_order()
    {
        var report = FeatureReport.Create(Golden.Tables, Limits, Golden.AsOf);
        using var actual = JsonDocument.Parse(report.UserPayloads);
        var payloads = actual.RootElement.EnumerateArray().Select(entry => UserPayload.Parse(entry.GetRawText())).ToList();
        Assert.Equal(Golden.UserPayloads.Count, payloads.Count);
        for (var i = 0; i < payloads.Count; i++) PayloadAssert.Equal(Golden.UserPayloads[i], payloads[i]);
    }

    [Fact]
    public void Payloads_built_in_process_are_the_golden_ones()
    {
        var users = PayloadBuilder.BuildUsers(Golden.Tables, Golden.AsOf);
        for (var i = 0; i < users.Count; i++) PayloadAssert.Equal(Golden.UserPayloads[i], users[i]);
        var items = PayloadBuilder.BuildItems(Golden.Tables);
        for (var i = 0; i < items.Count; i++) PayloadAssert.Equal(Golden.ItemPayloads[i], items[i]);
    }

    [Fact]
    public void Later_decisions_change_nothing()
    {
        var asOf = new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero);
        var before = Golden.Tables with { Decisions = [.. Golden.Tables.Decisions.Where(decision => decision.CreatedAt <= asOf)] };
        var (all, some) = (FeatureReport.Create(Golden.Tables, Limits, asOf), FeatureReport.Create(before, Limits, asOf));
        Assert.Equal(some.Features, all.Features);
        Assert.Equal(some.UserPayloads, all.UserPayloads);
    }

    [Fact]
    public void Tables_without_decisions_are_refused() => Assert.Contains(
        "no user or video has a usable decision",
        Assert.Throws<InputException>(
            () => FeatureReport.Create(Golden.Tables with { Decisions = Array.Empty<DecisionRow>() }, Limits, Golden.AsOf)).Message,
        StringComparison.Ordinal);

    // The same keys in the same order, numbers to the contract's tolerance, everything else alike.
    private static void AssertSame(JsonElement expected, JsonElement actual, string path)
    {
        Assert.True(expected.ValueKind == actual.ValueKind, $"{path}: expected {expected.ValueKind}, got {actual.ValueKind}");
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                Assert.Equal(
                    expected.EnumerateObject().Select(property => property.Name),
                    actual.EnumerateObject().Select(property => property.Name));
                foreach (var property in expected.EnumerateObject()) AssertSame(property.Value, actual.GetProperty(property.Name), $"{path}.{property.Name}");
                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                foreach (var (left, right) in expected.EnumerateArray().Zip(actual.EnumerateArray())) AssertSame(left, right, path + "[]");
                break;
            case JsonValueKind.Number:
                Close.Equal(expected.GetDouble(), actual.GetDouble(), path);
                break;
            default:
                Assert.Equal(expected.ToString(), actual.ToString());
                break;
        }
    }
}
