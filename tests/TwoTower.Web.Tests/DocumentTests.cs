namespace TwoTower.Web.Tests;

public sealed class DocumentTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    [Fact]
    public async Task The_document_describes_every_endpoint_with_parameters_answers_and_examples()
    {
        var document = await world.Api.GetAsync("/openapi/v1.json");
        Assert.Equal("TwoTower", document.GetProperty("info").GetProperty("title").GetString());
        var paths = document.GetProperty("paths");
        Assert.Equal(
            ["/v1/decisions", "/v1/users/{userId}/recommendations", "/v1/videos/{videoId}/similar"],
            paths.EnumerateObject().Select(path => path.Name).Order());
        foreach (var operation in paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).Select(method => method.Value))
        {
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("summary").GetString()));
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("description").GetString()));
            Assert.True(operation.GetProperty("responses").TryGetProperty("503", out _));
            var answers = operation.GetProperty("responses").EnumerateObject().Where(answer => answer.Name.StartsWith('2'));
            Assert.All(answers, answer =>
                Assert.True(answer.Value.GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _)));
            if (operation.TryGetProperty("parameters", out var parameters))
            {
                Assert.All(parameters.EnumerateArray(), parameter => Assert.False(string.IsNullOrEmpty(parameter.GetProperty("description").GetString())));
            }
        }

        var limit = paths.GetProperty("/v1/users/{userId}/recommendations").GetProperty("get").GetProperty("parameters").EnumerateArray()
            .Single(parameter => parameter.GetProperty("name").GetString() == "limit").GetProperty("schema");
        Assert.Equal("integer", limit.GetProperty("type").GetString());
        Assert.Equal(1, limit.GetProperty("minimum").GetInt32());
        Assert.Equal(100, limit.GetProperty("maximum").GetInt32());
    }

    [Fact]
    public async Task The_root_leads_to_a_page_that_needs_no_other_site()
    {
        var root = await world.Api.Client.GetAsync("/");
        Assert.Equal("/docs", root.Headers.Location?.ToString());

        var redirect = await world.Api.Client.GetAsync("/docs");
        var page = redirect.Headers.Location is { } folder
            ? await world.Api.Client.GetStringAsync(folder) : await redirect.Content.ReadAsStringAsync();
        Assert.Contains("openapi/v1.json", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("""(src|href)=["'](https?:)?//""", page);

        var script = System.Text.RegularExpressions.Regex.Match(page, """src=["']([^"']*scalar\.js[^"']*)["']""").Groups[1].Value;
        var response = await world.Api.Client.GetAsync(new Uri(new Uri(world.Api.Address, "/docs/"), script));
        Assert.True(response.IsSuccessStatusCode);
        Assert.True((await response.Content.ReadAsByteArrayAsync()).Length > 500_000);
    }
}
