using TwoTower.Supabase.Publishing;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Publishing;

/// <summary>What is uploaded for the edge functions is what they look for.</summary>
public class EdgeRuntimeTests
{
    [Fact]
    public async Task The_functions_look_for_what_is_uploaded()
    {
        var root = PostgresFixture.RepositoryRoot();
        var functions = await File.ReadAllTextAsync(Path.Combine(root, "supabase", "functions", "_shared", "foreign.ts"));
        foreach (var (name, value) in new[] { ("bucket", EdgeRuntime.Bucket), ("path", EdgeRuntime.Path), ("sha256", EdgeRuntime.Sha256) })
        {
            Assert.Contains($"  {name}: \"{value}\",", functions, StringComparison.Ordinal);
        }

        var packages = await File.ReadAllTextAsync(Path.Combine(root, "tests", "supabase", "package.json"));
        Assert.Contains($"\"{EdgeRuntime.Package.Replace("@", "\": \"", StringComparison.Ordinal)}\"", packages, StringComparison.Ordinal);
    }
}
