using TwoTower.Testing;
using TwoTower.Web.Problems;

namespace TwoTower.Web.Tests;

/// <summary>The types of problems.</summary>
public sealed class ProblemKindTests
{
    [Theory]
    [InlineData(400, "urn:twotower:problem:unreadable-request")]
    [InlineData(408, "urn:twotower:problem:too-slow")]
    [InlineData(415, "urn:twotower:problem:unsupported-media-type")]
    [InlineData(409, "about:blank")] // ours says which
    [InlineData(503, "about:blank")]
    [InlineData(418, "about:blank")]
    public void The_type_of_what_has_a_status_only_is_never_guessed(int status, string type) =>
        Assert.Equal(type, ProblemKind.TypeOf(status));

    [Fact]
    public void Every_problem_that_the_API_tells_of_is_one_of_a_kind()
    {
        var web = Path.Combine(PostgresFixture.RepositoryRoot(), "TwoTower.Web");
        var files = Directory.EnumerateDirectories(web).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj" or "Problems"))
            .Append(web).SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs")).ToList();
        Assert.True(files.Count > 30, $"{files.Count}");
        foreach (var file in files)
        {
            foreach (var other in new[] { "Results.Problem(", "new ProblemDetails", "new HttpValidationProblemDetails", "ValidationProblem(", "Title = \"The" })
            {
                Assert.False(File.ReadAllText(file).Contains(other, StringComparison.Ordinal), $"{file} has '{other}': take a ProblemKind, which has a type");
            }
        }
    }
}
