using System.Text;
using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Tests.Artifacts;

public sealed class ModelMetaTests
{
    [Theory]
    [InlineData("""{"config": {"serving": {"re_rank": false}}}""", false)]
    [InlineData("""{"config": {"serving": {"re_rank": true}}}""", true)]
    [InlineData("""{"config": {"serving": "edge"}}""", true)]
    [InlineData("""{"config": {"embedding_dim": 256}}""", true)]
    [InlineData("""{"config": "v2"}""", true)]
    [InlineData("""{}""", true)]
    public void Only_a_configuration_that_says_so_leaves_the_re_ranking_out(string json, bool expected) =>
        Assert.Equal(expected, ModelMeta.Parse(Encoding.UTF8.GetBytes(json), "model_meta.json").ReRanks);
}
