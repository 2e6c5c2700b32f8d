(* Moments of two chunks merge into those of their union; pairs of different samples. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Sums Formulas Batch.
Open Scope R_scope.

Section Merging.
Variables n k : nat.
Variable w : nat -> R.
Let after (a : nat -> R) (i : nat) := a (n + i)%nat.
Hypothesis weights_nonneg : forall i, (i < n + k)%nat -> 0 <= w i.
Hypothesis weight_A_pos : 0 < W n w.
Hypothesis weight_B_pos : 0 < W k (after w).
Let wA : forall i, (i < n)%nat -> 0 <= w i. Proof. intros; apply weights_nonneg; lia. Qed.
Let wB : forall i, (i < k)%nat -> 0 <= after w i. Proof. intros; apply weights_nonneg; lia. Qed.
Let WU := W (n + k) w.
Let p := W n w / WU.
Let q := W k (after w) / WU.

Lemma weight_union : WU = W n w + W k (after w).
Proof. unfold WU, W. apply bsum_app. Qed.
Let WU_pos : 0 < WU. Proof. rewrite weight_union. lra. Qed.
Let shares : p + q = 1. Proof. pose proof WU_pos. unfold p, q. replace (W n w) with (WU - W k (after w)) by (rewrite weight_union; ring). field. lra. Qed.

Lemma mean_union a : mean (n + k) w a = p * mean n w a + q * mean k (after w) (after a).
Proof. pose proof WU_pos. unfold mean, S, p, q. rewrite bsum_app. fold WU.
  change (bsum k (fun i => w (n + i)%nat * a (n + i)%nat)) with (bsum k (fun i => after w i * after a i)).
  field. repeat split; lra. Qed.
Lemma cov_union a b : cov (n + k) w a b = p * cov n w a b + q * cov k (after w) (after a) (after b)
  + p * q * ((mean k (after w) (after a) - mean n w a) * (mean k (after w) (after b) - mean n w b)).
Proof. rewrite !cov_sums by auto. rewrite !mean_union.
  change (after (fun i => a i * b i)) with (fun i => after a i * after b i).
  replace q with (1 - p) by lra. ring. Qed.

Variables f y conventional : nat -> R.
Variables s t : R.

Theorem merge_is : merge (code_moments n w f y conventional s t)
    (code_moments k (after w) (after f) (after y) (after conventional) s t)
  = code_moments (n + k) w f y conventional s t.
Proof.
  destruct (moments_are n w weight_A_pos f y conventional s t) as (A1 & A2 & A3 & A4 & A5 & _ & A7).
  destruct (moments_are k (after w) weight_B_pos (after f) (after y) (after conventional) s t)
    as (B1 & B2 & B3 & B4 & B5 & _ & B7).
  destruct (moments_are (n + k) w WU_pos f y conventional s t) as (U1 & U2 & U3 & U4 & U5 & _ & U7).
  pose proof (slope_is n w wA weight_A_pos f y conventional s t) as SA.
  pose proof (slope_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s t) as SB.
  pose proof (slope_is (n + k) w weights_nonneg WU_pos f y conventional s t) as SU.
  pose proof (var_r_is n w wA weight_A_pos f y conventional s t) as RA.
  pose proof (var_r_is k (after w) wB weight_B_pos (after f) (after y) (after conventional) s t) as RB.
  pose proof (var_r_is (n + k) w weights_nonneg WU_pos f y conventional s t) as RU.
  change (fun i => after f i - after y i) with (after (fun i => f i - y i)) in *.
  set (d := fun i => f i - y i) in *.
  set (MA := code_moments n w f y conventional s t) in *.
  set (MB := code_moments k (after w) (after f) (after y) (after conventional) s t) in *.
  set (MU := code_moments (n + k) w f y conventional s t) in *.
  assert (PE : ratio (Moments_weight MA) (Moments_weight MA + Moments_weight MB) = p).
  { rewrite A1, B1, ratio_div by lra. unfold p. rewrite weight_union. reflexivity. }
  assert (QE : ratio (Moments_weight MB) (Moments_weight MA + Moments_weight MB) = q).
  { rewrite A1, B1, ratio_div by lra. unfold q. rewrite weight_union. reflexivity. }
  assert (VE : p * Moments_var_y MA + q * Moments_var_y MB
     + p * q * square (Moments_mean_y MB - Moments_mean_y MA) = var (n + k) w y).
  { unfold square, var. rewrite A3, A4, B3, B4, cov_union. unfold var. ring. }
  assert (CE : p * Moments_slope MA * Moments_var_y MA + q * Moments_slope MB * Moments_var_y MB
     + p * q * ((Moments_mean_d MB - Moments_mean_d MA) * (Moments_mean_y MB - Moments_mean_y MA))
     = cov (n + k) w d y).
  { rewrite cov_union, <- SA, <- SB, A2, A3, A4, B2, B3, B4. ring. }
  assert (RE : forall b, b * var (n + k) w y = cov (n + k) w d y ->
     p * (Moments_var_r MA + square (Moments_slope MA - b) * Moments_var_y MA)
     + q * (Moments_var_r MB + square (Moments_slope MB - b) * Moments_var_y MB)
     + p * q * square (Moments_mean_d MB - Moments_mean_d MA - b * (Moments_mean_y MB - Moments_mean_y MA))
     = var (n + k) w d - b ^ 2 * var (n + k) w y).
  { intros b Hb. rewrite RA, RB, A2, A3, A4, B2, B3, B4. unfold square.
    replace (b ^ 2 * var (n + k) w y) with (2 * b * cov (n + k) w d y - b ^ 2 * var (n + k) w y)
      by (rewrite <- Hb; ring).
    unfold var in *. rewrite !cov_union, <- SA, <- SB. ring. }
  unfold merge. rewrite PE, QE, VE, CE, <- U5.
  rewrite (RE (Moments_slope MU) SU), <- RU.
  rewrite A1, B1, A2, B2, A3, B3, A7, B7.
  destruct MU as [u1 u2 u3 u4 u5 u6 u7]; simpl in *. subst.
  fold WU. rewrite weight_union, !mean_union.
  replace q with (1 - p) by lra. f_equal; ring. Qed.
End Merging.

(* A chunk of weight 0 is absent; the order of two chunks does not matter. *)
Theorem merge_nothing (a b : Moments) : Moments_weight a = 0 -> Moments_weight b <> 0 ->
  (Moments_var_y b = 0 -> Moments_slope b = 0) -> merge a b = b.
Proof. intros Wa Wb Flat. unfold merge. rewrite Wa.
  replace (0 + Moments_weight b) with (Moments_weight b) by ring.
  rewrite !ratio_div by auto. replace (0 / Moments_weight b) with 0 by (field; auto).
  replace (Moments_weight b / Moments_weight b) with 1 by (field; auto).
  unfold square. set (vy := 0 * Moments_var_y a + _ + _).
  assert (V : vy = Moments_var_y b) by (unfold vy; ring). rewrite V.
  replace (ratio _ (Moments_var_y b)) with (Moments_slope b).
  - destruct b; simpl in *. f_equal; ring.
  - destruct (Req_dec (Moments_var_y b) 0) as [E|E].
    + rewrite E, ratio_0, (Flat E). ring.
    + rewrite ratio_div by auto. field. auto. Qed.

Theorem merge_either_order (a b : Moments) : Moments_weight a + Moments_weight b <> 0 ->
  merge a b = merge b a.
Proof. intros H. unfold merge. rewrite (Rplus_comm (Moments_weight b)).
  set (t := Moments_weight a + Moments_weight b) in *.
  rewrite !ratio_div by auto.
  assert (E : Moments_weight b / t = 1 - Moments_weight a / t) by (unfold t; field; auto).
  rewrite E. set (p := Moments_weight a / t). unfold square.
  match goal with |- Build_Moments _ _ _ ?v ?sl _ _ = Build_Moments _ _ _ ?v' ?sl' _ _ =>
    assert (V : v = v') by ring; assert (SL : sl = sl') by (f_equal; ring) end.
  rewrite <- SL. f_equal; ring. Qed.

(* The pairs i <> j alone. *)
Section Distinct.
Variable N : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Definition distinct (g : nat -> nat -> R) :=
  pairs N w (fun i j => if Nat.eqb i j then 0 else g i j).

Lemma distinct_all g : (forall i, g i i = 0) -> distinct g = pairs N w g.
Proof. intros H. apply pairs_ext. intros i j _ _. destruct (Nat.eqb_spec i j); subst; auto. Qed.

Lemma distinct_weight : distinct (fun _ _ => 1) = W N w ^ 2 - bsum N (fun i => w i ^ 2).
Proof. unfold distinct, pairs.
  rewrite (bsum_ext N _ (fun i => W N w * w i - w i ^ 2)).
  - rewrite bsum_minus, bsum_scal. fold (W N w). ring.
  - intros i Hi.
    rewrite (bsum_ext N _ (fun j => w i * w j - (if Nat.eqb i j then w i * w j else 0))).
    + rewrite bsum_minus, bsum_scal, (bsum_single N i (fun j => w i * w j)) by auto. fold (W N w). ring.
    + intros j Hj. destruct (Nat.eqb i j); ring. Qed.

Theorem code_without_self_pairs f y conventional s t : 0 < distinct (fun _ _ => 1) ->
  distinct (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / distinct (fun _ _ => 1)
  = without_self_pairs (error_variance (code_moments N w f y conventional s t))
      (bsum N (fun i => w i ^ 2) / W N w ^ 2).
Proof. intros H. rewrite distinct_all by (intros; ring).
  rewrite distinct_weight in *. unfold without_self_pairs.
  rewrite code_theorem_1 by auto. field. repeat split; lra. Qed.
End Distinct.
